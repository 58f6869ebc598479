//! Python bindings of `holdback-core`: argument types, text conversion, locks and flags, no logic of matching.
//! How text crosses is in `text`.

mod forms;
mod guard;
mod keyed;
mod places;
mod text;
mod values;
mod wire;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use holdback_core::{Fed, Matcher, SharedBuffer, StreamBuffer};
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyMapping, PyString, PyTuple};

use text::{Bytes, text, to_python, wrong_type};

pyo3::import_exception!(holdback.errors, MappingError);

/// What a text is, or that it tells by its first characters.
#[derive(Clone, Copy)]
enum Source {
    Text,
    Json,
    Auto,
}

impl Source {
    fn of(given: Given<'_>) -> PyResult<Self> {
        let Some(object) = given.0 else { return Ok(Self::Text) };
        if let Ok(json) = object.cast_exact::<PyBool>() {
            return Ok(if json.is_true() { Self::Json } else { Self::Text });
        }
        match object.cast::<PyString>() {
            Ok(name) if name.to_str().is_ok_and(|name| name == "auto") => Ok(Self::Auto),
            Ok(_) => Err(PyTypeError::new_err("json must be bool or \"auto\", not another str")),
            Err(_) => Err(wrong_type("json must be bool or \"auto\"", &object)),
        }
    }
}

/// An argument that may be absent, of any type: PyO3 would put words of its own before those of a wrong one.
struct Given<'py>(Option<Bound<'py, PyAny>>);

impl<'py> FromPyObject<'_, 'py> for Given<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Some(object.to_owned())))
    }
}

/// See the stub ``holdback/_native.pyi``: one documentation for both twins.
#[pyclass(frozen, weakref, module = "holdback", name = "TrieMatcher")]
struct PyTrieMatcher(Matcher);

impl PyTrieMatcher {
    fn open(&self, source: Source) -> StreamBuffer {
        match source {
            Source::Text => self.0.stream(),
            Source::Json => self.0.stream_json(),
            Source::Auto => self.0.stream_auto(),
        }
    }
}

#[pymethods]
impl PyTrieMatcher {
    #[new]
    #[pyo3(signature = (pairs, *, words = Given(None)))]
    fn new(pairs: &Bound<'_, PyAny>, words: Given<'_>) -> PyResult<Self> {
        let words = match words.0 {
            Some(words) => {
                words.cast_exact::<PyBool>().map_err(|_| wrong_type("words must be bool", &words))?.is_true()
            }
            None => false,
        };
        let pairs: &Bound<'_, PyMapping> = pairs
            .cast()
            .map_err(|_| wrong_type("TrieMatcher() takes a mapping of placeholder to original", pairs))?;
        let mut texts = Vec::new();
        for pair in pairs.items()? {
            let (key, original): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
            let key = Bytes::of(text("a placeholder must be str", &key)?)?.as_ref().to_vec();
            let original = Bytes::of(text("an original must be str", &original)?)?.as_ref().to_vec();
            texts.push((key, original));
        }
        let matcher = if words { Matcher::whole_words(texts) } else { Matcher::new(texts) };
        Ok(Self(matcher.map_err(|error| MappingError::new_err(error.to_string()))?))
    }

    #[pyo3(signature = (text, *, json = Given(None)))]
    fn replace<'py>(&self, text: &Bound<'py, PyAny>, json: Given<'_>) -> PyResult<Bound<'py, PyString>> {
        let text = crate::text("replace() takes str", text)?;
        let bytes = Bytes::of(text)?;
        let source = bytes.as_ref();
        let restored = match Source::of(json)? {
            Source::Text => self.0.replace(source),
            Source::Json => self.0.replace_json(source),
            Source::Auto => self.0.replace_auto(source),
        };
        match restored {
            Cow::Borrowed(_) => Ok(text.clone()),
            Cow::Owned(restored) => to_python(text.py(), &restored),
        }
    }

    #[pyo3(signature = (*, json = Given(None)))]
    fn stream(&self, json: Given<'_>) -> PyResult<PyStreamBuffer> {
        Ok(PyStreamBuffer { buffer: Arc::new(SharedBuffer::new(self.open(Source::of(json)?))) })
    }

    #[pyo3(signature = (guard, *, json))]
    fn _guarded(&self, guard: &Bound<'_, guard::PyGuard>, json: Given<'_>) -> PyResult<PyStreamBuffer> {
        let mut stream = self.open(Source::of(json)?);
        stream.guard_by(guard.get().0.clone());
        Ok(PyStreamBuffer { buffer: Arc::new(SharedBuffer::new(stream)) })
    }

    fn _pairs<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyString>, Bound<'py, PyString>)>> {
        self.0.pairs().map(|(key, original)| Ok((to_python(py, key)?, to_python(py, original)?))).collect()
    }

    #[getter]
    fn _words(&self) -> bool {
        self.0.minds_words()
    }

    #[getter]
    fn longest(&self) -> usize {
        self.0.longest()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> String {
        format!("TrieMatcher(keys={}, longest={})", self.0.len(), self.0.longest())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a TrieMatcher holds originals and is not pickled"))
    }
}

/// See the stub ``holdback/_native.pyi``: one documentation for both twins.
#[pyclass(frozen, module = "holdback", name = "StreamBuffer")]
struct PyStreamBuffer {
    buffer: Arc<SharedBuffer>,
}

impl PyStreamBuffer {
    fn with<T>(&self, work: impl FnOnce(&mut StreamBuffer) -> T) -> T {
        self.buffer.with(work)
    }
}

#[pymethods]
impl PyStreamBuffer {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        Err(PyTypeError::new_err("a StreamBuffer is made by TrieMatcher.stream()"))
    }

    fn feed<'py>(&self, text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        let text = crate::text("feed() takes str", text)?;
        let bytes = Bytes::of(text)?;
        if let Bytes::Utf8(utf8) = bytes
            && self.buffer.passes(utf8)
        {
            return Ok(text.clone());
        }
        let mut out = Vec::new();
        let fed = self.with(|stream| match &bytes {
            Bytes::Utf8(text) => stream.feed(text, &mut out),
            Bytes::Wtf8(text) => stream.feed_wtf8(text, &mut out),
        });
        match fed {
            Fed::Unchanged => Ok(text.clone()),
            Fed::Written => to_python(text.py(), &out),
        }
    }

    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let mut out = Vec::new();
        self.with(|stream| stream.flush(&mut out));
        to_python(py, &out)
    }

    fn _settle<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let mut out = Vec::new();
        self.with(|stream| stream.settle(&mut out));
        to_python(py, &out)
    }

    fn _take_counts(&self) -> BTreeMap<u32, u64> {
        self.with(StreamBuffer::take_counts)
    }

    fn _look_for(&self, forms: &forms::PyForms) {
        self.with(|stream| stream.look_for(Arc::clone(&forms.0)));
    }

    fn _take_unknown(&self) -> BTreeMap<u32, u64> {
        self.with(StreamBuffer::take_unknown)
    }

    #[getter]
    fn pending<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        let pending = self.with(|stream| stream.pending());
        to_python(py, &pending)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("StreamBuffer(pending={})", self.pending(py)?.len()?))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a StreamBuffer holds text and is not pickled"))
    }
}

/// The native twin; `holdback._backend` chooses between it and `holdback._pure`.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::forms::PyForms;
    #[pymodule_export]
    use super::guard::{PyGuard, PyRules};
    #[pymodule_export]
    use super::keyed::keyed_placeholders;
    #[pymodule_export]
    use super::places::{PyJsonPlaces, PyPlaces};
    #[pymodule_export]
    use super::values::PyValues;
    #[pymodule_export]
    use super::{PyStreamBuffer, PyTrieMatcher};
    #[pymodule_export]
    use crate::wire::{PyLane, PyShapes};
}
