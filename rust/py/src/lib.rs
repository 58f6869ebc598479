//! Python bindings of `holdback-core`: argument types, text conversion and locks, no logic.
//!
//! Text crosses as UTF-8 without a copy where it can; a `str` with lone surrogates, which UTF-8 cannot spell,
//! crosses as WTF-8. No error of a codec gets out: it would quote the text.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use holdback_core::{Fed, JsonField, Matcher, StreamBuffer, Wire};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping, PyString, PyTuple};

pyo3::import_exception!(holdback.errors, MappingError);

/// What a wrong argument type is told: the place and the type, never the value.
fn wrong_type(expected: &str, object: &Bound<'_, PyAny>) -> PyErr {
    match object.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!("{expected}, not {name}")),
        Err(error) => error,
    }
}

fn text<'a, 'py>(expected: &str, object: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyString>> {
    object.cast().map_err(|_| wrong_type(expected, object))
}

/// The text as UTF-8, or else as WTF-8.
enum Bytes<'a> {
    Utf8(&'a str),
    Wtf8(Vec<u8>),
}

impl<'a> Bytes<'a> {
    fn of(text: &'a Bound<'_, PyString>) -> PyResult<Self> {
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

fn to_python<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyString>> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(PyString::new(py, text)),
        Err(_) => {
            Ok(PyBytes::new(py, text).call_method1("decode", ("utf-8", "surrogatepass"))?.cast_into()?)
        }
    }
}

/// See the stub ``holdback/_native.pyi``: one documentation for both twins.
#[pyclass(frozen, module = "holdback", name = "TrieMatcher")]
struct PyTrieMatcher(Matcher);

#[pymethods]
impl PyTrieMatcher {
    #[new]
    fn new(pairs: &Bound<'_, PyAny>) -> PyResult<Self> {
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
        Ok(Self(Matcher::new(texts).map_err(|error| MappingError::new_err(error.to_string()))?))
    }

    #[pyo3(signature = (text, *, json = false))]
    fn replace<'py>(&self, text: &Bound<'py, PyAny>, json: bool) -> PyResult<Bound<'py, PyString>> {
        let text = crate::text("replace() takes str", text)?;
        let bytes = Bytes::of(text)?;
        let source = bytes.as_ref();
        let restored = if json { self.0.replace_json(source) } else { self.0.replace(source) };
        match restored {
            std::borrow::Cow::Borrowed(_) => Ok(text.clone()),
            std::borrow::Cow::Owned(restored) => to_python(text.py(), &restored),
        }
    }

    #[pyo3(signature = (*, json = false))]
    fn stream(&self, json: bool) -> PyStreamBuffer {
        PyStreamBuffer::new_stream(&self.0, json)
    }

    #[pyo3(signature = (*, lines, field))]
    fn _scan(&self, lines: bool, field: &str) -> PyScan {
        let field = JsonField::ALL.into_iter().find(|known| known.name() == field);
        PyScan { matcher: self.0.clone(), wire: Wire { lines, field } }
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
#[pyclass(frozen, module = "holdback._native", name = "Scan")]
struct PyScan {
    matcher: Matcher,
    wire: Wire,
}

#[pymethods]
impl PyScan {
    #[pyo3(signature = (data, start, /))]
    fn run(&self, data: &[u8], start: usize) -> usize {
        self.matcher.quiet_run(data, start.min(data.len()), self.wire)
    }

    #[pyo3(signature = (rest, data, /))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        rest: &[u8],
        data: &Bound<'py, PyBytes>,
    ) -> (Bound<'py, PyBytes>, Bound<'py, PyBytes>, bool) {
        let joined;
        let bytes = if rest.is_empty() {
            data.as_bytes()
        } else {
            joined = [rest, data.as_bytes()].concat();
            &joined
        };
        let (quiet, left) = bytes.split_at(self.matcher.quiet_run(bytes, 0, self.wire));
        let all = rest.is_empty() && left.is_empty();
        let run = if all { data.clone() } else { PyBytes::new(py, quiet) };
        (run, PyBytes::new(py, left), Matcher::is_beginning(left, self.wire))
    }
}

/// See the stub ``holdback/_native.pyi``: one documentation for both twins.
// The lock serialises threads that share one buffer. The usual feed does not take it: a quiet text that meets a
// stream at rest changes nothing, so it is as if it had come before whatever another thread is just feeding.
#[pyclass(frozen, module = "holdback", name = "StreamBuffer")]
struct PyStreamBuffer {
    matcher: Matcher,
    json: bool,
    at_rest: AtomicBool,
    stream: Mutex<StreamBuffer>,
}

impl PyStreamBuffer {
    fn new_stream(matcher: &Matcher, json: bool) -> Self {
        let stream = if json { matcher.stream_json() } else { matcher.stream() };
        Self {
            matcher: matcher.clone(),
            json,
            at_rest: stream.is_at_rest().into(),
            stream: Mutex::new(stream),
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut StreamBuffer) -> T) -> T {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let result = work(&mut stream);
        self.at_rest.store(stream.is_at_rest(), Ordering::Release);
        result
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
            && self.at_rest.load(Ordering::Acquire)
            && self.matcher.is_quiet(utf8, self.json)
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
    use super::{PyScan, PyStreamBuffer, PyTrieMatcher};
}
