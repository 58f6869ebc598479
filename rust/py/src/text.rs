//! How text crosses: as UTF-8 without a copy where it can; a `str` with lone surrogates, which UTF-8 cannot spell, as
//! WTF-8. No error of a codec gets out: it would quote the text.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// What a wrong argument type is told: the place and the type, never the value.
pub(crate) fn wrong_type(expected: &str, object: &Bound<'_, PyAny>) -> PyErr {
    match object.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!("{expected}, not {name}")),
        Err(error) => error,
    }
}

pub(crate) fn text<'a, 'py>(
    expected: &str,
    object: &'a Bound<'py, PyAny>,
) -> PyResult<&'a Bound<'py, PyString>> {
    object.cast().map_err(|_| wrong_type(expected, object))
}

/// The text as UTF-8, or else as WTF-8.
pub(crate) enum Bytes<'a> {
    Utf8(&'a str),
    Wtf8(Vec<u8>),
}

impl<'a> Bytes<'a> {
    pub(crate) fn of(text: &'a Bound<'_, PyString>) -> PyResult<Self> {
        if let Ok(utf8) = text.to_str() {
            return Ok(Self::Utf8(utf8));
        }
        let encode = text.py().get_type::<PyString>().getattr("encode")?;
        Ok(Self::Wtf8(encode.call1((text, "utf-8", "surrogatepass"))?.extract()?))
    }
}

impl AsRef<[u8]> for Bytes<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Utf8(text) => text.as_bytes(),
            Self::Wtf8(text) => text,
        }
    }
}

pub(crate) fn to_python<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyString>> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(PyString::new(py, text)),
        Err(_) => {
            Ok(PyBytes::new(py, text).call_method1("decode", ("utf-8", "surrogatepass"))?.cast_into()?)
        }
    }
}
