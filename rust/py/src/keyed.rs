//! Keyed placeholders: the twin of `python/holdback/_pure/keyed.py`. It is here and not in the core, which knows no keys.

use hmac::{Hmac, KeyInit, Mac};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use sha2::Sha256;

use crate::Bytes;

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// See the stub ``holdback/_native.pyi``.
#[pyfunction]
#[pyo3(signature = (key, start, label, values, digits, /))]
pub(crate) fn keyed_placeholders<'py>(
    py: Python<'py>,
    key: &[u8],
    start: &[u8],
    label: &str,
    values: Vec<Bound<'py, PyString>>,
    digits: usize,
) -> PyResult<Vec<Bound<'py, PyString>>> {
    let wrong =
        || PyValueError::new_err("keyed_placeholders() takes a key of any length and at most 51 digits");
    let mut begun = Hmac::<Sha256>::new_from_slice(key).map_err(|_| wrong())?;
    begun.update(start);
    let mut made = format!("<{label}_");
    let opening = made.len();
    let placeholder = |value: Bound<'py, PyString>| {
        let value = Bytes::of(&value)?;
        let value = value.as_ref();
        let mut mac = begun.clone();
        mac.update(&(value.len() as u64).to_be_bytes());
        mac.update(value);
        let digest = mac.finalize().into_bytes();
        made.truncate(opening);
        for bit in (0..digits).map(|digit| 5 * digit) {
            let first = *digest.get(bit / 8).ok_or_else(wrong)?;
            let second = digest.get(bit / 8 + 1).copied().unwrap_or(0);
            let five = u16::from_be_bytes([first, second]) >> (11 - bit % 8) & 31;
            made.push(BASE32[usize::from(five)].into());
        }
        made.push('>');
        Ok(PyString::new(py, &made))
    };
    values.into_iter().map(placeholder).collect()
}
