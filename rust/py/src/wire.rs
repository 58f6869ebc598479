//! The bindings of `holdback_core::wire`: the table of a format, and the lane through it.

use std::sync::Arc;

use holdback_core::wire::{
    Emptied, Kind, Literal, Mark, NodeSpec, ObjectSpec, Reading, Shapes, SlotId, SlotKind, SlotSpec, Which,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyInt, PyList, PyTuple};

type Slot<'py> = (Bound<'py, PyAny>, String, u8, Vec<SlotId>, bool, String);
type Choice = (String, Vec<(String, u32)>, Option<u32>);
type Object = (Vec<(String, u32)>, Option<u32>, Option<Choice>);

fn kind_named(name: &str) -> PyResult<SlotKind> {
    Ok(match name {
        "address" => SlotKind::Address,
        "text" => SlotKind::Text,
        "source" => SlotKind::Source,
        "whole" => SlotKind::Whole,
        "whole_source" => SlotKind::WholeSource,
        "document" => SlotKind::Document,
        "event" => SlotKind::Event,
        "once" => SlotKind::Once,
        "keeps" => SlotKind::Keeps,
        "latest" => SlotKind::Latest,
        "place" => SlotKind::Place,
        _ => return Err(PyValueError::new_err("Shapes() takes kinds of slots that are named")),
    })
}

fn emptied_named(name: &str) -> PyResult<Emptied> {
    Ok(match name {
        "text" => Emptied::Text,
        "element" => Emptied::Element,
        "event" => Emptied::Event,
        _ => return Err(PyValueError::new_err("Shapes() takes what an emptied slot leaves by its name")),
    })
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
