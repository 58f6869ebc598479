//! Python bindings of `holdback-core`: argument types, text conversion, locks and flags, no logic of matching.
//!
//! Text crosses as UTF-8 without a copy where it can; a `str` with lone surrogates, which UTF-8 cannot spell,
//! crosses as WTF-8. No error of a codec gets out: it would quote the text.

mod places;

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use holdback_core::{Fed, Hole, JsonField, Matcher, StreamBuffer, TextEvent, Wire};
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

fn hole_named(name: &str) -> PyResult<Hole> {
    let hole = Hole::ALL.into_iter().find(|known| known.name() == name);
    hole.ok_or_else(|| PyTypeError::new_err("_text_event() takes holes that are named"))
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
            Cow::Borrowed(_) => Ok(text.clone()),
            Cow::Owned(restored) => to_python(text.py(), &restored),
        }
    }

    #[pyo3(signature = (*, json = false))]
    fn stream(&self, json: bool) -> PyStreamBuffer {
        PyStreamBuffer::new_stream(&self.0, json)
    }

    #[pyo3(signature = (*, lines, field, longest = usize::MAX))]
    fn _scan(&self, lines: bool, field: &str, longest: usize) -> PyScan {
        let field = JsonField::ALL.into_iter().find(|known| known.name() == field);
        let (passed, is_open) = (0.into(), false.into());
        PyScan { matcher: self.0.clone(), wire: Wire { lines, field }, longest, passed, is_open }
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
    longest: usize,
    passed: AtomicUsize,
    is_open: AtomicBool,
}

#[pymethods]
impl PyScan {
    #[pyo3(signature = (data, /))]
    fn passes(&self, data: &Bound<'_, PyAny>) -> bool {
        data.cast_exact::<PyBytes>().is_ok_and(|data| {
            let data = data.as_bytes();
            let passes = self.is_open.load(Ordering::Relaxed)
                && data.len() <= self.longest
                && self.matcher.quiet_run(data, 0, self.wire) == data.len();
            if passes {
                self.count(data.len());
            }
            passes
        })
    }

    #[getter]
    fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    #[setter]
    fn set_is_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
    }

    #[getter]
    fn passed(&self) -> usize {
        self.passed.load(Ordering::Relaxed)
    }

    #[pyo3(signature = (data, start, event, /))]
    fn run<'py>(
        &self,
        data: &Bound<'py, PyBytes>,
        start: usize,
        event: Option<&Bound<'py, PyTextEvent>>,
    ) -> (Bound<'py, PyBytes>, usize) {
        let bytes = data.as_bytes();
        let start = start.min(bytes.len());
        let (run, length) = self.restored(&bytes[start..], event);
        (to_bytes(&run, data), start + length)
    }

    #[expect(clippy::needless_pass_by_value, reason = "an argument that may have been copied comes by value")]
    #[pyo3(signature = (rest, data, event, /))]
    fn read<'py>(
        &self,
        rest: Cow<'_, [u8]>,
        data: &Bound<'py, PyBytes>,
        event: Option<&Bound<'py, PyTextEvent>>,
    ) -> (Bound<'py, PyBytes>, Bound<'py, PyBytes>, bool) {
        let joined;
        let bytes = if rest.is_empty() {
            data.as_bytes()
        } else {
            joined = [&rest, data.as_bytes()].concat();
            &joined
        };
        let (run, length) = self.restored(bytes, event);
        self.count(length);
        let left = &bytes[length..];
        let is_calm = event.is_none_or(|event| event.get().is_calm());
        self.is_open.store(is_calm && left.is_empty(), Ordering::Relaxed);
        (to_bytes(&run, data), PyBytes::new(data.py(), left), Matcher::is_beginning(left, self.wire))
    }
}

impl PyScan {
    /// Not in one step: a scan belongs to one stream, which one thread feeds at a time.
    fn count(&self, bytes: usize) {
        self.passed.store(self.passed.load(Ordering::Relaxed) + bytes, Ordering::Relaxed);
    }

    /// What leaves, and of how many bytes.
    fn restored<'a>(&self, data: &'a [u8], event: Option<&Bound<'_, PyTextEvent>>) -> (Cow<'a, [u8]>, usize) {
        let Some(event) = event else {
            let length = self.matcher.quiet_run(data, 0, self.wire);
            return (data[..length].into(), length);
        };
        let PyTextEvent { event, stream, has_fitted } = event.get();
        let mut out = Vec::with_capacity(data.len());
        let (length, count) =
            stream.get().with(|stream| event.restore_run(data, &self.matcher, self.wire, stream, &mut out));
        if count > 0 {
            has_fitted.store(true, Ordering::Relaxed);
        }
        (out.into(), length)
    }
}

/// These bytes as an object: ``data`` if they are all of its own.
fn to_bytes<'py>(bytes: &[u8], data: &Bound<'py, PyBytes>) -> Bound<'py, PyBytes> {
    if std::ptr::eq(bytes, data.as_bytes()) { data.clone() } else { PyBytes::new(data.py(), bytes) }
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

    #[pyo3(signature = (parts, tail, *, is_droppable, others_rest))]
    fn _text_event(
        slf: Bound<'_, Self>,
        parts: Vec<(Vec<u8>, String)>,
        tail: &[u8],
        is_droppable: bool,
        others_rest: bool,
    ) -> PyResult<PyTextEvent> {
        let parts = parts.into_iter().map(|(fixed, hole)| Ok((fixed, hole_named(&hole)?)));
        let parts: Vec<_> = parts.collect::<PyResult<_>>()?;
        let event = TextEvent::new(parts, tail, is_droppable, others_rest);
        Ok(PyTextEvent { event, stream: slf.unbind(), has_fitted: false.into() })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("StreamBuffer(pending={})", self.pending(py)?.len()?))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a StreamBuffer holds text and is not pickled"))
    }
}

/// See the stub ``holdback/_native.pyi``.
#[pyclass(frozen, module = "holdback._native", name = "TextEvent")]
struct PyTextEvent {
    event: TextEvent,
    stream: Py<PyStreamBuffer>,
    has_fitted: AtomicBool,
}

#[pymethods]
impl PyTextEvent {
    #[getter]
    fn has_fitted(&self) -> bool {
        self.has_fitted.load(Ordering::Relaxed)
    }

    #[getter]
    fn is_calm(&self) -> bool {
        self.stream.get().with(|stream| self.event.is_calm(stream))
    }
}

/// The native twin; `holdback._backend` chooses between it and `holdback._pure`.
#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use super::places::{PyJsonPlaces, PyPlaces};
    #[pymodule_export]
    use super::{PyScan, PyStreamBuffer, PyTextEvent, PyTrieMatcher};
}
