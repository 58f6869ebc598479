//! Building the trie: its nodes breadth first, each settled as it is made.

use std::sync::Arc;

use super::{Automaton, Blocked, Concat, IS_KEY, NONE, Node, ROOT, Rope, Settlement, length, minds};
use crate::borders::{self, NUMBER};
use crate::surrogate;

impl Automaton {
    /// Grow the trie breadth first from the sorted keys, settling each node as it is made: its parent, its
    /// parent's fail and every node that the fail walk meets are shallower, so they are complete already.
    pub(super) fn build(&mut self) {
        let patterns = Arc::clone(&self.patterns);
        let keys = &patterns.keys;
        let mut ids: Vec<u32> = (0..length(keys.len())).collect();
        let mut size = trie_size(keys, &ids);
        // The keys that run through each node, as a range of `ids`.
        let mut spans = vec![(0, ids.len())];
        if self.minded & NUMBER != 0 {
            let begins = |key: &[u8]| borders::is_number_unit(key[0]) && !borders::is_number(key);
            let behind: Vec<u32> = ids.iter().copied().filter(|&id| begins(&keys[id as usize])).collect();
            size += trie_size(keys, &behind);
            spans.push((ids.len(), ids.len() + behind.len()));
            ids.extend(behind);
            self.behind_number = 1;
        }
        spans.reserve(size);
        // Where borders count: the node at which the character ends that comes before the one a node is in.
        let mut before: Vec<u32> = (0..length(spans.len())).filter(|_| self.has_borders()).collect();
        self.nodes.reserve_exact(size + 1); // and the end of the last one's children
        self.labels.reserve_exact(size);
        for _ in &spans {
            self.nodes.push(Node { children: NONE, fail: ROOT, depth: 0, owner: 0, rope: NONE, leaf: NONE });
            self.labels.push(0);
        }
        if self.has_borders() {
            self.resting.resize(size, NONE);
        }
        let mut parent = 0;
        while parent < self.nodes.len() {
            let depth = self.nodes[parent].depth;
            let at = depth as usize;
            let (mut start, end) = spans[parent];
            self.nodes[parent].children = length(self.nodes.len());
            if start < end && keys[ids[start] as usize].len() == at {
                start += 1; // the key that ends here
            }
            while start < end {
                let owner = ids[start];
                let key = &keys[owner as usize];
                let label = key[at];
                let same = ids[start..end].partition_point(|&id| keys[id as usize][at] == label);
                let node = length(self.nodes.len());
                self.nodes.push(Node {
                    children: NONE,
                    fail: ROOT,
                    depth: depth + 1,
                    owner,
                    rope: NONE,
                    leaf: NONE,
                });
                self.labels.push(label);
                spans.push((start, start + same));
                let ends = (key.len() == at + 1).then_some(owner);
                if self.has_borders() {
                    let inside = before[parent];
                    let begin = self.depth(inside) as usize;
                    let is_inside = parent != inside as usize && at < begin + surrogate::length(key[begin]);
                    let u = if is_inside { inside } else { length(parent) };
                    before.push(u);
                    let begin = self.depth(u) as usize;
                    if at + 1 == begin + surrogate::length(key[begin]) {
                        self.settle(u, node, ends, same == 1);
                    }
                } else {
                    self.settle(length(parent), node, ends, same == 1);
                }
                start += same;
            }
            parent += 1;
        }
        debug_assert_eq!(size, self.nodes.len());
        // The end of the last node's children.
        let end = length(self.nodes.len());
        self.nodes.push(Node { children: end, fail: ROOT, depth: 0, owner: 0, rope: NONE, leaf: NONE });
        for child in self.nodes[ROOT as usize].children..self.nodes[ROOT as usize + 1].children {
            let label = usize::from(self.labels[child as usize]);
            self.roots[label] = child;
            self.stems[label] = self.stem(child, &spans);
        }
        self.ropes.shrink_to_fit();
        self.concats.shrink_to_fit();
    }

    /// The last node below `child` through which most of its keys run; `spans` has the keys of each node.
    fn stem(&self, child: u32, spans: &[(usize, usize)]) -> u32 {
        let keys = |node: u32| spans[node as usize].1 - spans[node as usize].0;
        let mut stem = child;
        loop {
            let mut children = self.nodes[stem as usize].children..self.nodes[stem as usize + 1].children;
            match children.find(|&node| 2 * keys(node) > keys(child)) {
                Some(node) => stem = node,
                None => return stem,
            }
        }
    }

    /// Compute `fail` and the rope of `pops` for the new node `v`, which is one unit below `u`.
    fn settle(&mut self, u: u32, v: u32, key: Option<u32>, alone: bool) {
        let Some(key) = key else {
            let Settlement { rope, fail } = self.settled_without_key(u, v);
            self.nodes[v as usize].rope = rope;
            self.nodes[v as usize].fail = fail;
            return;
        };
        self.nodes[v as usize].rope = self.new_rope(Rope { offset: 0, tree: IS_KEY | key });
        let minded = minds(self.key(key), self.minded);
        if minded != 0 {
            let Settlement { rope, fail } = self.settled_without_key(u, v);
            self.resting[v as usize] = length(self.blocked.len());
            self.blocked.push(Blocked { minded, fail, rope });
        } else if alone {
            self.nodes[v as usize].leaf = key;
        }
    }

    /// How `v` is settled if no key ends there.
    fn settled_without_key(&mut self, u: u32, v: u32) -> Settlement {
        if self.depth(u) == 0 {
            return Settlement { rope: NONE, fail: ROOT }; // one literal
        }
        let patterns = Arc::clone(&self.patterns);
        let path = &patterns.keys[self.nodes[v as usize].owner as usize][..self.depth(v) as usize];
        let (above, unit) = path.split_at(self.depth(u) as usize);
        let (before, following) = if self.has_borders() {
            (borders::of_last(above) & self.minded, borders::of_first(unit) & self.minded)
        } else {
            (0, 0)
        };
        let Settlement { mut rope, fail: mut z } = self.settled(u, following);
        let mut covered = self.depth(u) - self.depth(z);
        let found = loop {
            let child = if z == ROOT { self.start(unit, before) } else { self.step(z, unit) };
            if let Some(child) = child {
                break child;
            }
            if z == ROOT {
                break ROOT;
            }
            let popped = self.settled(z, following);
            rope = self.concat(rope, covered, popped.rope);
            covered += self.depth(z) - self.depth(popped.fail);
            z = popped.fail;
        };
        if self.nodes[found as usize].leaf == NONE {
            return Settlement { rope, fail: found };
        }
        Settlement { rope: self.concat(rope, covered, self.nodes[found as usize].rope), fail: ROOT }
    }

    fn new_rope(&mut self, rope: Rope) -> u32 {
        self.ropes.push(rope);
        length(self.ropes.len() - 1)
    }

    /// The rope `left` followed by the rope `right`, whose path begins `shift` bytes after that of `left`.
    fn concat(&mut self, left: u32, shift: u32, right: u32) -> u32 {
        if right == NONE {
            return left;
        }
        let Rope { offset, tree } = self.ropes[right as usize];
        if left == NONE {
            return self.new_rope(Rope { offset: shift + offset, tree });
        }
        let first = self.ropes[left as usize];
        self.concats.push(Concat { left: first.tree, shift: shift + offset - first.offset, right: tree });
        self.new_rope(Rope { offset: first.offset, tree: length(self.concats.len() - 1) })
    }
}

/// How many nodes the trie of these sorted keys has: memory that is asked for once need not be copied to grow.
fn trie_size(keys: &[Box<[u8]>], ids: &[u32]) -> usize {
    let key = |id: u32| &*keys[id as usize];
    let shared =
        |pair: &[u32]| key(pair[0]).iter().zip(key(pair[1])).take_while(|(one, other)| one == other).count();
    let total: usize = ids.iter().map(|&id| key(id).len()).sum();
    1 + total - ids.windows(2).map(shared).sum::<usize>()
}
