//! The binding of `wire::Values`, for masking.

use holdback_core::wire::{Piece, Values};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::text::Bytes;

/// See the stub ``holdback/_native.pyi``.
#[pyclass(frozen, module = "holdback._native", name = "Values")]
pub(crate) struct PyValues {
    pub(crate) source: Py<PyBytes>,
    pub(crate) values: Values,
}

#[pymethods]
impl PyValues {
    #[getter]
    fn texts(&self) -> usize {
        self.values.texts
    }

    #[getter]
    fn changing(&self) -> usize {
        self.values.changing()
    }

    #[pyo3(signature = (by_key, /))]
    fn of_keys<'py>(&self, by_key: &Bound<'py, PyList>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        self.values.keys.iter().map(|&key| by_key.get_item(key as usize)).collect()
    }

    #[getter]
    fn bracketed<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyString>>> {
        let texts = self.values.bracketed.iter().filter_map(|mark| mark.text(self.source.as_bytes(py)));
        texts.map(|text| crate::to_python(py, &text)).collect()
    }

    #[pyo3(signature = (others, /))]
    fn replaced<'py>(
        &self,
        py: Python<'py>,
        others: &Bound<'py, PyList>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let others: Vec<Bound<'_, PyString>> = others.extract()?;
        let others = others.iter().map(Bytes::of).collect::<PyResult<Vec<_>>>()?;
        let pieces = self.values.replaced(self.source.as_bytes(py), &others);
        let pieces = pieces.ok_or_else(|| PyValueError::new_err("replaced() takes another for each key"))?;
        let to_python = |piece: Piece<'_>| match piece {
            Piece::Source(slices) => Ok(joined(py, &slices)?.into_any()),
            Piece::Text(text) => Ok(crate::to_python(py, &text)?.into_any()),
        };
        pieces.into_iter().map(to_python).collect()
    }

    fn __repr__(&self) -> String {
        format!("Values(texts={})", self.values.texts)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("Values hold a request and are not pickled"))
    }
}

/// The slices as one, written once.
fn joined<'py>(py: Python<'py>, slices: &[&[u8]]) -> PyResult<Bound<'py, PyBytes>> {
    let length = slices.iter().map(|slice| slice.len()).sum();
    PyBytes::new_with(py, length, |mut out| {
        for slice in slices {
            let (now, rest) = out.split_at_mut(slice.len());
            now.copy_from_slice(slice);
            out = rest;
        }
        Ok(())
    })
}
