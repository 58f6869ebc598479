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

#[derive(Default)]
pub(crate) struct Ledger {
    entries: Option<Box<Entries>>,
}

#[derive(Default)]
struct Entries {
    hits: Hits,
    watch: Option<Box<Watch>>,
}

/// Which keys were replaced.
#[derive(Default)]
struct Hits {
    /// Since they were counted last.
    recent: Vec<u32>,
    /// How often before.
    counts: BTreeMap<u32, u64>,
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

impl Hits {
    #[cold]
    fn count(&mut self) {
        for key in self.recent.drain(..) {
            *self.counts.entry(key).or_default() += 1;
        }
        self.recent.shrink_to(MOST_HITS); // a long text may have had many more
    }
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

impl Ledger {
    /// Begin to write behind what stands in `out`.
    #[inline]
    pub(crate) fn begin(&mut self, out: &[u8]) {
        let Some(entries) = &mut self.entries else { return };
        if entries.hits.recent.len() >= MOST_HITS {
            entries.hits.count();
        }
        if let Some(watch) = &mut entries.watch {
            watch.told = out.len();
        }
    }

    /// All of `text` was read.
    #[inline]
    pub(crate) fn end(&mut self, text: &[u8], fed: Fed, out: &[u8]) {
        if let Some(watch) = self.watch() {
            match (fed, &watch.guard) {
                (Fed::Unchanged, Some(guard)) => guard.passed(text),
                _ => watch.tell(out),
            }
            if let Some(unknown) = &mut watch.unknown {
                unknown.feed(text);
            }
        }
    }

    /// What was held back was written.
    pub(crate) fn end_settled(&mut self, out: &[u8]) {
        if let Some(watch) = self.watch() {
            watch.tell(out);
            if let Some(unknown) = &mut watch.unknown {
                unknown.feed(b"");
            }
        }
    }

    /// Whether the key is replaced that stands behind what was written, at `begin` of the text that is read.
    #[inline]
    pub(crate) fn replaces(&mut self, key: u32, begin: isize, original: &[u8], out: &[u8]) -> bool {
        let entries = self.entries.get_or_insert_default();
        if let Some(watch) = &mut entries.watch
            && watch.keeps(key, begin, original, out)
        {
            return false;
        }
        entries.hits.recent.push(key);
        true
    }

    /// The text that is read turned out to be a JSON document from `at` on, or plain text.
    pub(crate) fn turned(&mut self, is_json: bool, at: usize) {
        let Some(watch) = self.watch() else { return };
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
        let watch = self.entries.as_ref().and_then(|entries| entries.watch.as_ref());
        watch.is_none_or(|watch| {
            watch.guard.as_ref().is_none_or(|guard| !guard.looks_at_places())
                && watch.unknown.as_ref().is_none_or(|unknown| unknown.is_idle() && starts.finds_firsts(json))
        })
    }

    pub(crate) fn guard_by(&mut self, guard: Guard) {
        self.watched().guard = Some(guard);
    }

    pub(crate) fn look_for(&mut self, forms: Arc<Forms>, is_json: bool) {
        self.watched().unknown = Some(Unknown::new(forms, is_json));
    }

    #[inline]
    fn watch(&mut self) -> Option<&mut Watch> {
        self.entries.as_mut()?.watch.as_deref_mut()
    }

    fn watched(&mut self) -> &mut Watch {
        self.entries.get_or_insert_default().watch.get_or_insert_default()
    }

    fn unknown(&mut self) -> Option<&mut Unknown> {
        self.watch()?.unknown.as_mut()
    }

    pub(crate) fn take_counts(&mut self) -> BTreeMap<u32, u64> {
        let Some(entries) = &mut self.entries else { return BTreeMap::new() };
        let mut hits = std::mem::take(&mut entries.hits);
        if entries.watch.is_none() {
            self.entries = None;
        }
        hits.count();
        hits.counts
    }

    pub(crate) fn take_unknown(&mut self) -> BTreeMap<u32, u64> {
        self.unknown().map_or_else(BTreeMap::new, Unknown::take_counts)
    }

    /// As it is now, behind [`begin`](Self::begin).
    pub(crate) fn now(&self) -> Before {
        let Some(entries) = &self.entries else { return Before { hits: 0, told: 0, seen: None } };
        let watch = entries.watch.as_ref();
        Before {
            hits: entries.hits.recent.len(),
            told: watch.map_or(0, |watch| watch.told),
            seen: watch.and_then(|watch| watch.guard.as_ref()).map(Guard::seen),
        }
    }

    pub(crate) fn go_back(&mut self, before: &Before) {
        let Some(entries) = &mut self.entries else { return };
        entries.hits.recent.truncate(before.hits);
        if let Some(watch) = &mut entries.watch {
            watch.told = before.told;
            if let (Some(guard), Some(seen)) = (&watch.guard, &before.seen) {
                guard.go_back(seen);
            }
            if let Some(unknown) = &mut watch.unknown {
                unknown.go_back();
            }
        }
    }
}
