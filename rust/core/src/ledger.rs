//! What becomes of the matches of a stream: those that were replaced, the guard that is asked before, and what is
//! counted beside them.
//!
//! Most streams have no guard and count nothing beside: for them nothing is made before the first match, and a feed asks
//! once whether there is more to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Fed;
use crate::forms::{Forms, Unknown};
use crate::guard::{Guard, Seen};
use crate::starts::Starts;

/// Empty until there is something to write.
#[derive(Default)]
pub(crate) struct Ledger(Option<Box<Entries>>);

#[derive(Default)]
struct Entries {
    /// The keys that were replaced since they were counted last.
    hits: Vec<u32>,
    /// How often which key was replaced before.
    counts: BTreeMap<u32, u64>,
    watch: Option<Watch>,
}

/// So many replaced keys are counted at once, between two feeds.
const MOST_HITS: usize = 64;

/// Who looks at what comes and leaves.
#[derive(Default)]
struct Watch {
    guard: Option<Guard>,
    /// Up to where the guard was told what was written.
    told: usize,
    unknown: Option<Unknown>,
}

/// A ledger as it was, to go back to.
pub(crate) struct Before {
    hits: usize,
    told: usize,
    seen: Option<Seen>,
}

impl Watch {
    fn tell(&mut self, out: &[u8]) {
        if let Some(guard) = &self.guard {
            guard.passed(&out[self.told..]);
            self.told = out.len();
        }
    }

    /// Whether the guard keeps a key.
    fn keeps(&mut self, key: u32, begin: isize, original: &[u8], out: &[u8]) -> bool {
        self.tell(out);
        if let Some(unknown) = &mut self.unknown {
            unknown.knows(key, begin);
        }
        self.guard.as_ref().is_some_and(|guard| guard.keeps(key, original))
    }
}

impl Entries {
    #[cold]
    fn count(&mut self) {
        for key in self.hits.drain(..) {
            *self.counts.entry(key).or_default() += 1;
        }
        self.hits.shrink_to(MOST_HITS); // a long text may have had many more
    }
}

impl Ledger {
    fn watch(&self) -> Option<&Watch> {
        self.0.as_ref()?.watch.as_ref()
    }

    fn watch_mut(&mut self) -> Option<&mut Watch> {
        self.0.as_mut()?.watch.as_mut()
    }

    fn unknown(&mut self) -> Option<&mut Unknown> {
        self.watch_mut()?.unknown.as_mut()
    }

    /// Begin to write behind what stands in `out`.
    #[inline]
    pub(crate) fn begin(&mut self, out: &[u8]) {
        let Some(entries) = &mut self.0 else { return };
        if entries.hits.len() >= MOST_HITS {
            entries.count();
        }
        if let Some(watch) = &mut entries.watch {
            watch.told = out.len();
        }
    }

    /// All of `text` was read.
    #[inline]
    pub(crate) fn end(&mut self, text: &[u8], fed: Fed, out: &[u8]) {
        let Some(watch) = self.watch_mut() else { return };
        match (fed, &watch.guard) {
            (Fed::Unchanged, Some(guard)) => guard.passed(text),
            _ => watch.tell(out),
        }
        if let Some(unknown) = &mut watch.unknown {
            unknown.feed(text);
        }
    }

    /// What was held back was written.
    pub(crate) fn end_settled(&mut self, out: &[u8]) {
        let Some(watch) = self.watch_mut() else { return };
        watch.tell(out);
        if let Some(unknown) = &mut watch.unknown {
            unknown.feed(b"");
        }
    }

    /// Whether the key is replaced that stands behind what was written, at `begin` of the text that is read.
    #[inline]
    pub(crate) fn replaces(&mut self, key: u32, begin: isize, original: &[u8], out: &[u8]) -> bool {
        let entries = self.0.get_or_insert_default();
        if let Some(watch) = &mut entries.watch
            && watch.keeps(key, begin, original, out)
        {
            return false;
        }
        entries.hits.push(key);
        true
    }

    /// The text that is read turned out to be a JSON document from `at` on, or plain text.
    pub(crate) fn turned(&mut self, is_json: bool, at: usize) {
        let Some(watch) = self.watch_mut() else { return };
        if let Some(guard) = watch.guard.as_ref().filter(|_| !is_json) {
            guard.is_plain();
        }
        if let Some(unknown) = &mut watch.unknown {
            unknown.turned(is_json, at);
        }
    }

    /// The text is over; another one may begin.
    pub(crate) fn end_text(&mut self) {
        if let Some(unknown) = self.unknown() {
            unknown.end();
        }
    }

    /// Whether a text in which no key starts changes nothing. What is of a form begins with the first byte of a key.
    pub(crate) fn is_idle(&self, starts: &Starts, json: bool) -> bool {
        self.watch().is_none_or(|watch| {
            watch.guard.as_ref().is_none_or(|guard| !guard.looks_at_places())
                && watch.unknown.as_ref().is_none_or(|unknown| unknown.is_idle() && starts.finds_firsts(json))
        })
    }

    pub(crate) fn guard_by(&mut self, guard: Guard) {
        self.begin_to_watch().guard = Some(guard);
    }

    pub(crate) fn look_for(&mut self, forms: Arc<Forms>, is_json: bool) {
        self.begin_to_watch().unknown = Some(Unknown::new(forms, is_json));
    }

    fn begin_to_watch(&mut self) -> &mut Watch {
        self.0.get_or_insert_default().watch.get_or_insert_default()
    }

    pub(crate) fn take_counts(&mut self) -> BTreeMap<u32, u64> {
        let Some(entries) = &mut self.0 else { return BTreeMap::new() };
        entries.count();
        std::mem::take(&mut entries.counts)
    }

    pub(crate) fn take_unknown(&mut self) -> BTreeMap<u32, u64> {
        self.unknown().map_or_else(BTreeMap::new, Unknown::take_counts)
    }

    /// As it is now, behind [`begin`](Self::begin).
    pub(crate) fn now(&self) -> Before {
        Before {
            hits: self.0.as_ref().map_or(0, |entries| entries.hits.len()),
            told: self.watch().map_or(0, |watch| watch.told),
            seen: self.watch().and_then(|watch| watch.guard.as_ref()).map(Guard::seen),
        }
    }

    pub(crate) fn go_back(&mut self, before: &Before) {
        let Some(entries) = &mut self.0 else { return };
        entries.hits.truncate(before.hits);
        let Some(watch) = &mut entries.watch else { return };
        watch.told = before.told;
        if let (Some(guard), Some(seen)) = (&watch.guard, &before.seen) {
            guard.go_back(seen);
        }
        if let Some(unknown) = &mut watch.unknown {
            unknown.go_back();
        }
    }
}
