//! Bindings of the forms of placeholders, for the engine.

use std::sync::Arc;

use holdback_core::forms::{Form, Forms};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::Bytes;

/// See the stub ``holdback/_native.pyi``.
#[pyclass(frozen, module = "holdback._native", name = "Forms")]
pub(crate) struct PyForms(pub(crate) Arc<Forms>);

/// Opening, separator, whether the identifier is of base32 characters, closing, whether any name will do.
type Row<'py> = (Bound<'py, PyString>, String, bool, Bound<'py, PyString>, bool);

fn owned(texts: Vec<Bound<'_, PyString>>) -> PyResult<Vec<Vec<u8>>> {
    texts.into_iter().map(|text| Ok(Bytes::of(&text)?.as_ref().to_vec())).collect()
}

#[pymethods]
impl PyForms {
    #[new]
    fn new(
        forms: Vec<Row<'_>>,
        names: Vec<Bound<'_, PyString>>,
        keys: Vec<Bound<'_, PyString>>,
    ) -> PyResult<Self> {
        let (names, keys) = (owned(names)?, owned(keys)?);
        let forms = forms.into_iter().map(|(opening, separator, is_base32, closing, takes_any_name)| {
            Ok(Form {
                opening: Bytes::of(&opening)?.as_ref().into(),
                separator: separator.into_bytes().into(),
                is_base32,
                closing: Bytes::of(&closing)?.as_ref().into(),
                takes_any_name,
            })
        });
        let forms = forms.collect::<PyResult<_>>()?;
        Ok(Self(Arc::new(Forms::new(forms, names, keys))))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("Forms hold placeholders and are not pickled"))
    }
}
