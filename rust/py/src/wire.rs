//! The bindings of `holdback_core::wire`: the table of a format, and the lane through it.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use holdback_core::wire::{
    Address, Declined, Emptied, Framing, Kind, Lane, LaneError, Literal, Mark, NodeSpec, ObjectSpec, Plain,
    Progress, Reading, Shapes, SlotId, SlotKind, SlotSpec, Taken, Which,
};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyBool, PyBytes, PyDict, PyEllipsis, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::values::PyValues;
use crate::{Bytes, PyStreamBuffer, PyTrieMatcher};

type Slot<'py> = (Bound<'py, PyAny>, String, u8, Vec<SlotId>, bool, String);
type Choice = (String, Vec<(String, u32)>, Option<u32>);
/// Texts, where their literals stand, and names.
type PlainTexts<'py> = (Vec<Bound<'py, PyString>>, Vec<(usize, usize)>, Vec<Bound<'py, PyString>>);
type Object = (Vec<(String, u32)>, Option<u32>, Option<Choice>);

fn kind_named(name: &str) -> PyResult<SlotKind> {
    SlotKind::named(name).ok_or_else(|| PyValueError::new_err("Shapes() takes kinds of slots that are named"))
}

fn emptied_named(name: &str) -> PyResult<Emptied> {
    Emptied::named(name)
        .ok_or_else(|| PyValueError::new_err("Shapes() takes what an emptied slot leaves by its name"))
}

/// See the stub ``holdback/_native.pyi``.
#[pyclass(frozen, module = "holdback._native", name = "Shapes")]
pub(crate) struct PyShapes {
    shapes: Arc<Shapes>,
    /// What stands for each slot in marks and addresses.
    names: Vec<Py<PyAny>>,
}

#[pymethods]
impl PyShapes {
    #[new]
    fn new(
        slots: Vec<Slot<'_>>,
        nodes: Vec<(Vec<SlotId>, Option<u32>, Option<u32>)>,
        objects: Vec<Object>,
        root: u32,
    ) -> PyResult<Self> {
        let mut names = Vec::with_capacity(slots.len());
        let mut specs = Vec::with_capacity(slots.len());
        for (name, kind, depth, addresses, positional, emptied) in slots {
            names.push(name.unbind());
            let (kind, emptied) = (kind_named(&kind)?, emptied_named(&emptied)?);
            specs.push(SlotSpec { kind, depth, addresses, positional, emptied });
        }
        let nodes = nodes.into_iter().map(|(slots, object, array)| NodeSpec { slots, object, array });
        let objects = objects.into_iter().map(|(members, other, which)| ObjectSpec {
            members,
            other,
            which: which.map(|(name, variants, default)| Which { name, variants, default }),
        });
        let shapes = Shapes::new(specs, nodes.collect(), objects.collect(), root);
        let shapes = Arc::new(shapes.map_err(|error| PyValueError::new_err(error.to_string()))?);
        Ok(Self { shapes, names })
    }

    #[pyo3(signature = (source, /))]
    fn walk<'py>(&self, source: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        let source = bytes("walk() takes bytes", source)?;
        let reading = self.shapes.walk(source.as_bytes());
        reading.map(|reading| self.to_python(source.py(), source.as_bytes(), &reading)).transpose()
    }

    #[pyo3(signature = (source, /))]
    fn plain<'py>(&self, source: &Bound<'py, PyAny>) -> PyResult<Option<PlainTexts<'py>>> {
        let source = bytes("plain() takes bytes", source)?;
        let (py, source) = (source.py(), source.as_bytes());
        let Some(Plain { texts, names }) = self.shapes.plain(source) else { return Ok(None) };
        let text = |mark: &Mark| crate::to_python(py, &mark.text(source).unwrap_or_default());
        let name = |name: &Range<usize>| crate::to_python(py, &source[name.clone()]);
        Ok(Some((
            texts.iter().map(text).collect::<PyResult<_>>()?,
            texts.iter().map(|mark| (mark.literal.begin, mark.literal.end)).collect(),
            names.iter().map(name).collect::<PyResult<_>>()?,
        )))
    }

    #[pyo3(signature = (source, matcher, /))]
    fn values(
        &self,
        source: &Bound<'_, PyAny>,
        matcher: &Bound<'_, PyTrieMatcher>,
    ) -> PyResult<Option<PyValues>> {
        let source = bytes("values() takes bytes", source)?;
        let values = self.shapes.values(source.as_bytes(), &matcher.get().0);
        Ok(values.map(|values| PyValues { source: source.clone().unbind(), values }))
    }

    fn __repr__(&self) -> String {
        format!("Shapes(slots={})", self.names.len())
    }
}

impl PyShapes {
    /// A reading as the marks, and the addresses by slot and positions.
    fn to_python<'py>(
        &self,
        py: Python<'py>,
        source: &[u8],
        reading: &Reading,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let marks = PyList::empty(py);
        for mark in reading.marks() {
            let at = PyTuple::new(py, reading.positions(mark))?;
            let value = self.value(py, source, mark)?;
            let Literal { begin, end, .. } = mark.literal;
            marks.append((self.name(py, mark), at, value, (begin, end)))?;
        }
        let addresses = PyDict::new(py);
        for mark in reading.addresses() {
            let at = PyTuple::new(py, reading.positions(mark))?;
            addresses.set_item((self.name(py, mark), at), self.value(py, source, mark)?)?;
        }
        (marks, addresses).into_pyobject(py)
    }

    fn name<'py>(&self, py: Python<'py>, mark: &Mark) -> &Bound<'py, PyAny> {
        self.names[mark.slot as usize].bind(py)
    }

    /// The value of a mark; None where only its place is of interest, and of a container.
    fn value<'py>(&self, py: Python<'py>, source: &[u8], mark: &Mark) -> PyResult<Option<Bound<'py, PyAny>>> {
        if matches!(self.shapes.kind(mark.slot), SlotKind::Document | SlotKind::Keeps | SlotKind::Place) {
            return Ok(None);
        }
        if let Some(text) = mark.text(source) {
            return Ok(Some(crate::to_python(py, &text)?.into_any()));
        }
        let Literal { kind, begin, end } = mark.literal;
        Ok(match kind {
            Kind::True | Kind::False => Some((kind == Kind::True).into_pyobject(py)?.to_owned().into_any()),
            Kind::Integer | Kind::Float => Some(number(py, kind, &source[begin..end])?),
            _ => None,
        })
    }
}

/// The most bytes of a whole number that Python reads as such.
const LONGEST_INTEGER: usize = 4000;

fn number<'py>(py: Python<'py>, kind: Kind, literal: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let literal = String::from_utf8_lossy(literal);
    if kind == Kind::Integer {
        if let Ok(value) = literal.parse::<i64>() {
            return Ok(value.into_pyobject(py)?.into_any());
        }
        if literal.len() < LONGEST_INTEGER {
            return py.get_type::<PyInt>().call1((literal,));
        }
    }
    Ok(PyFloat::new(py, literal.parse().unwrap_or(f64::NAN)).into_any())
}

fn bytes<'a, 'py>(expected: &str, object: &'a Bound<'py, PyAny>) -> PyResult<&'a Bound<'py, PyBytes>> {
    object.cast().map_err(|_| crate::wrong_type(expected, object))
}

fn refused(error: LaneError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// See the stub ``holdback/_native.pyi``.
// Nothing of Python is made or called while the lock is held.
#[pyclass(frozen, module = "holdback._native", name = "Lane")]
pub(crate) struct PyLane {
    shapes: Py<PyShapes>,
    lane: Mutex<Lane>,
}

impl PyLane {
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Lane> {
        self.lane.lock_py_attached(py).unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Do something with a slot and its addresses. A frame with a fraction or a number of more digits in an address is
    /// declined, so nothing has to be known for it.
    fn with_addresses(
        &self,
        addresses: &Bound<'_, PyTuple>,
        work: impl FnOnce(&mut Lane, &[Address<'_>]) -> Result<(), LaneError>,
    ) -> PyResult<()> {
        let mut values = Vec::with_capacity(addresses.len());
        let objects: Vec<_> = addresses.iter().collect();
        for object in &objects {
            let Some(value) = Value::of(object)? else { return Ok(()) };
            values.push(value);
        }
        let values: Vec<_> = values.iter().map(Value::address).collect();
        work(&mut self.lock(addresses.py()), &values).map_err(refused)
    }
}

/// The value of an address, as bytes where it is a text.
enum Value<'a> {
    Text(Bytes<'a>),
    Integer(i64),
    Absent,
    Any,
}

impl<'a> Value<'a> {
    /// None of a number that is never looked for.
    fn of(object: &'a Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if let Ok(text) = object.cast::<PyString>() {
            return Ok(Some(Self::Text(Bytes::of(text)?)));
        }
        if object.is_none() {
            return Ok(Some(Self::Absent));
        }
        if object.is_instance_of::<PyFloat>() {
            return Ok(None);
        }
        if object.is_instance_of::<PyInt>() && !object.is_instance_of::<PyBool>() {
            return Ok(object.extract().ok().map(Self::Integer));
        }
        if object.is_instance_of::<PyEllipsis>() {
            return Ok(Some(Self::Any));
        }
        Err(crate::wrong_type("an address must be str, int, float, None or ...", object))
    }

    fn address(&self) -> Address<'_> {
        match self {
            Self::Text(text) => Address::Text(text.as_ref().into()),
            Self::Integer(value) => Address::Integer(*value),
            Self::Absent => Address::Absent,
            Self::Any => Address::Any,
        }
    }
}

#[pymethods]
impl PyLane {
    #[new]
    #[pyo3(signature = (shapes, *, framing, max_event_bytes, skip_oversized, offset))]
    fn new(
        shapes: &Bound<'_, PyShapes>,
        framing: &str,
        max_event_bytes: usize,
        skip_oversized: bool,
        offset: usize,
    ) -> PyResult<Self> {
        let table = Arc::clone(&shapes.get().shapes);
        let framing = match framing {
            "events" => Framing::Events,
            "lines" => Framing::Lines,
            "messages" => Framing::Messages,
            _ => return Err(PyValueError::new_err("framing must be \"events\", \"lines\" or \"messages\"")),
        };
        let lane = Lane::new(table, framing, max_event_bytes, skip_oversized, offset);
        Ok(Self { shapes: shapes.clone().unbind(), lane: lane.into() })
    }

    #[pyo3(signature = (data, /))]
    fn feed<'py>(&self, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let data = bytes("feed() takes bytes", data)?;
        let py = data.py();
        let mut out = Vec::new();
        let declined = match self.lock(py).feed(data.as_bytes(), &mut out) {
            Progress::Unchanged(bytes) if std::ptr::eq(bytes, data.as_bytes()) => {
                return Ok(data.clone().into_any());
            }
            Progress::Unchanged(bytes) => return Ok(PyBytes::new(py, bytes).into_any()),
            Progress::Taken => None,
            Progress::TooLarge => Some((Vec::new(), None)),
            Progress::Declined(Declined { frame, data, begin, only_data, manner, reading }) => {
                let event = reading.map(|reading| (data.to_vec(), begin, only_data, manner, reading.clone()));
                Some((frame.to_vec(), event))
            }
        };
        let out = PyBytes::new(py, &out);
        let Some((frame, event)) = declined else { return Ok(out.into_any()) };
        let event = event.map(|(source, begin, only_data, manner, reading)| {
            let reading = self.shapes.get().to_python(py, &source, &reading)?;
            let (source, line_end) =
                (PyBytes::new(py, &source), PyBytes::new(py, manner.line_end.as_bytes()));
            PyResult::Ok((reading, source, begin, line_end, manner.has_name, only_data))
        });
        Ok((out, PyBytes::new(py, &frame), event.transpose()?).into_pyobject(py)?.into_any())
    }

    #[pyo3(signature = (event, /))]
    fn feed_event<'py>(&self, event: Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyString>>> {
        let py = event.py();
        let (source, mut out) = (Bytes::of(&event)?, Vec::new());
        let taken = self.lock(py).feed_event(source.as_ref(), &mut out);
        match taken {
            Taken::Unchanged => Ok(Some(event)),
            Taken::Written | Taken::Dropped => crate::to_python(py, &out).map(Some),
            Taken::Declined => Ok(None),
        }
    }

    fn open(&self, buffer: &Bound<'_, PyStreamBuffer>) -> u64 {
        self.lock(buffer.py()).open(Arc::clone(&buffer.get().buffer)).into()
    }

    fn register(&self, channel: u64, slot: SlotId, addresses: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.with_addresses(addresses, |lane, addresses| lane.register(channel.into(), slot, addresses))
    }

    fn link(&self, py: Python<'_>, channel: u64, ended: u64) -> PyResult<()> {
        self.lock(py).link(channel.into(), ended.into()).map_err(refused)
    }

    fn forget(&self, py: Python<'_>, channel: u64) -> PyResult<()> {
        self.lock(py).forget(channel.into()).map_err(refused)
    }

    fn close(&self, py: Python<'_>, channel: u64) -> PyResult<()> {
        self.lock(py).close(channel.into()).map_err(refused)
    }

    fn know(&self, slot: SlotId, addresses: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.with_addresses(addresses, |lane, addresses| lane.know(slot, addresses))
    }

    fn latest<'py>(&self, py: Python<'py>, slot: SlotId) -> Option<(Bound<'py, PyBytes>, bool)> {
        let latest = self.lock(py).latest(slot).map(|(literal, left)| (literal.to_vec(), left));
        latest.map(|(literal, left)| (PyBytes::new(py, &literal), left))
    }

    fn note(&self, slot: SlotId, literal: &Bound<'_, PyBytes>, left: bool) -> PyResult<()> {
        self.lock(literal.py()).note(slot, literal.as_bytes(), left).map_err(refused)
    }

    fn take_rest<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let rest = self.lock(py).take_rest();
        PyBytes::new(py, &rest)
    }

    #[getter]
    fn offset(&self, py: Python<'_>) -> usize {
        self.lock(py).offset()
    }

    fn expect_line_feed(&self, py: Python<'_>) {
        self.lock(py).expect_line_feed();
    }

    #[getter]
    fn is_skipping(&self, py: Python<'_>) -> bool {
        self.lock(py).is_skipping()
    }

    #[getter]
    fn manner<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyBytes>, bool)> {
        let manner = self.lock(py).manner()?;
        Some((PyBytes::new(py, manner.line_end.as_bytes()), manner.has_name))
    }

    #[getter]
    fn is_in_line(&self, py: Python<'_>) -> bool {
        self.lock(py).is_in_line()
    }

    #[getter]
    fn broken(&self, py: Python<'_>) -> usize {
        self.lock(py).broken()
    }

    #[getter]
    fn oversized(&self, py: Python<'_>) -> usize {
        self.lock(py).oversized()
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        format!("Lane(offset={})", self.offset(py))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Lane holds text and is not pickled"))
    }
}
