//! Bindings of guards, for the engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use holdback_core::guard::{Guard, Rules, TextKind};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

use crate::places::{PyPlaces, allowed};
use crate::{Given, Source};

/// See the stub ``holdback/_native.pyi``.
#[pyclass(frozen, module = "holdback._native", name = "Rules")]
pub(crate) struct PyRules(Arc<Rules>);

#[pymethods]
impl PyRules {
    #[new]
    #[pyo3(signature = (hosts, *, looks_at_places, kept_types, enforces))]
    fn new(
        hosts: Vec<(String, bool, String)>,
        looks_at_places: bool,
        kept_types: Vec<bool>,
        enforces: bool,
    ) -> Self {
        Self(Arc::new(Rules { hosts: allowed(hosts).into(), looks_at_places, kept_types, enforces }))
    }
}

/// See the stub ``holdback/_native.pyi``.
#[pyclass(frozen, module = "holdback._native", name = "Guard")]
pub(crate) struct PyGuard(pub(crate) Guard);

#[pymethods]
impl PyGuard {
    #[new]
    #[pyo3(signature = (rules, *, json, start = None))]
    fn new(
        rules: &Bound<'_, PyRules>,
        json: Given<'_>,
        start: Option<&Bound<'_, PyPlaces>>,
    ) -> PyResult<Self> {
        let kind = match Source::of(json)? {
            Source::Text => TextKind::Plain,
            Source::Json => TextKind::Source,
            Source::Auto => TextKind::Both,
        };
        let start = start.map(|places| places.get().with(|places| places.clone()));
        Ok(Self(Guard::new(Arc::clone(&rules.get().0), kind, start)))
    }

    fn keep_channel(&self, keeps: bool) {
        self.0.keep_channel(keeps);
    }

    fn keep_tool(&self, keeps: bool) {
        self.0.keep_tool(keeps);
    }

    fn follow(&self, before: &Bound<'_, Self>) {
        self.0.follow(&before.get().0);
    }

    fn close(&self) {
        self.0.close();
    }

    fn take_kept(&self) -> BTreeMap<(&'static str, u32), u64> {
        self.0.take_kept().into_iter().map(|((reason, key), count)| ((reason.name(), key), count)).collect()
    }

    fn plain_places(&self) -> Option<PyPlaces> {
        self.0.plain_places().map(PyPlaces::from)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Guard holds text and is not pickled"))
    }
}
