//! Bindings of the places of a text, for the engine.

use std::sync::{Mutex, PoisonError};

use holdback_core::wire::places::{AllowedHost, JsonPlaces, Places};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::{Bytes, to_python};

pub(crate) fn allowed(hosts: Vec<(String, bool, String)>) -> Vec<AllowedHost> {
    let hosts = hosts.into_iter().map(|(host, is_wildcard, prefix)| AllowedHost {
        host: host.into(),
        is_wildcard,
        prefix: prefix.into(),
    });
    hosts.collect()
}

/// See the stub ``holdback/_native.pyi``.
#[pyclass(frozen, module = "holdback._native", name = "Places")]
pub(crate) struct PyPlaces(Mutex<Places>);

impl From<Places> for PyPlaces {
    fn from(places: Places) -> Self {
        Self(Mutex::new(places))
    }
}

impl PyPlaces {
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Places) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl PyPlaces {
    #[new]
    #[pyo3(signature = (hosts = Vec::new()))]
    fn new(hosts: Vec<(String, bool, String)>) -> Self {
        Self(Mutex::new(Places::new(allowed(hosts))))
    }

    fn feed(&self, text: &Bound<'_, PyString>) -> PyResult<()> {
        let bytes = Bytes::of(text)?;
        self.with(|places| places.feed(bytes.as_ref()));
        Ok(())
    }

    fn keeps(&self, value: &Bound<'_, PyString>) -> PyResult<bool> {
        let bytes = Bytes::of(value)?;
        Ok(self.with(|places| places.keeps(bytes.as_ref())))
    }

    fn reset(&self) {
        self.with(Places::reset);
    }

    fn copy(&self) -> Self {
        Self(Mutex::new(self.with(|places| places.clone())))
    }

    #[getter]
    fn in_address(&self) -> bool {
        self.with(|places| places.in_address())
    }

    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyString>>> {
        let address = self.with(|places| places.address().map(<[u8]>::to_vec));
        address.map(|address| to_python(py, &address)).transpose()
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("Places holds text and is not pickled"))
    }
}

/// See the stub ``holdback/_native.pyi``.
#[pyclass(frozen, module = "holdback._native", name = "JsonPlaces")]
pub(crate) struct PyJsonPlaces(Mutex<JsonPlaces>);

impl PyJsonPlaces {
    fn with<T>(&self, work: impl FnOnce(&mut JsonPlaces) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[pymethods]
impl PyJsonPlaces {
    #[new]
    #[pyo3(signature = (hosts = Vec::new()))]
    fn new(hosts: Vec<(String, bool, String)>) -> Self {
        Self(Mutex::new(JsonPlaces::new(allowed(hosts))))
    }

    fn feed(&self, source: &Bound<'_, PyString>) -> PyResult<()> {
        let bytes = Bytes::of(source)?;
        self.with(|places| places.feed(bytes.as_ref()));
        Ok(())
    }

    fn keeps(&self, value: &Bound<'_, PyString>) -> PyResult<bool> {
        let bytes = Bytes::of(value)?;
        Ok(self.with(|places| places.keeps(bytes.as_ref())))
    }

    #[getter]
    fn in_address(&self) -> bool {
        self.with(|places| places.in_address())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("JsonPlaces holds text and is not pickled"))
    }
}
