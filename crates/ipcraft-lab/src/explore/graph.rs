//! The graph of the states of two processes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use ipcraft_step::{Pair, Side, State};

use super::schedule::Schedule;
use crate::variables::{Phase, Variables};

/// A state, by its number. Lower numbers are at most as many steps away from the start.
pub(super) type Id = usize;

/// The highest ticket that a search follows: the tickets of a bakery grow without bound.
pub const MAX_TICKET: u64 = 3;

/// All states that two processes can reach.
pub(super) struct Graph {
    nodes: Vec<Node>,
}

struct Node {
    phases: [Phase; 2],
    /// The state from which this one was found first, and the step.
    parent: Option<(Id, Side)>,
    /// The states after a step of each side. `None` if its program has ended, or if the search
    /// ended before.
    next: [Option<Id>; 2],
    /// Whether some step of it was not followed.
    cut: bool,
}

impl Graph {
    /// Finds all states from a start, or the nearest `limit` ones. A state whose tickets are higher
    /// than [`MAX_TICKET`] is not followed.
    pub(super) fn search(
        pair: &mut Pair,
        variables: Variables<'_>,
        start: State,
        limit: usize,
    ) -> nix::Result<Graph> {
        let node = |state: &State, parent| Node {
            phases: [0, 1].map(|me| variables.phase_in(state.words(), me)),
            parent,
            next: [None; 2],
            cut: variables.highest_ticket_in(state.words()) > MAX_TICKET,
        };
        let mut graph = Graph { nodes: vec![node(&start, None)] };
        let mut known: HashMap<State, Id> = HashMap::from([(start.clone(), 0)]);
        let mut states = vec![start];
        let mut id = 0;
        while id < states.len() {
            let sides = if graph.nodes[id].cut { &[][..] } else { &Side::BOTH };
            for &side in sides {
                let Some(state) = pair.step(&states[id], side)? else { continue };
                let next = match known.entry(state) {
                    Entry::Occupied(entry) => *entry.get(),
                    Entry::Vacant(_) if states.len() >= limit => {
                        graph.nodes[id].cut = true;
                        continue;
                    }
                    Entry::Vacant(entry) => {
                        let state = entry.key().clone();
                        graph.nodes.push(node(&state, Some((id, side))));
                        states.push(state);
                        *entry.insert(states.len() - 1)
                    }
                };
                graph.nodes[id].next[side.index()] = Some(next);
            }
            id += 1;
        }
        Ok(graph)
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn is_complete(&self) -> bool {
        !self.nodes.iter().any(|node| node.cut)
    }

    /// Returns whether some step from a state was not followed.
    pub(super) fn is_cut(&self, id: Id) -> bool {
        self.nodes[id].cut
    }

    pub(super) fn ids(&self) -> std::ops::Range<Id> {
        0..self.nodes.len()
    }

    pub(super) fn phase(&self, id: Id, side: Side) -> Phase {
        self.nodes[id].phases[side.index()]
    }

    pub(super) fn next(&self, id: Id, side: Side) -> Option<Id> {
        self.nodes[id].next[side.index()]
    }

    /// Returns the steps from a state, with their sides.
    pub(super) fn steps(&self, id: Id) -> impl Iterator<Item = (Side, Id)> + '_ {
        Side::BOTH.into_iter().filter_map(move |side| Some((side, self.next(id, side)?)))
    }

    /// Returns whether a step takes its side into the critical section.
    pub(super) fn enters(&self, from: Id, side: Side, to: Id) -> bool {
        self.phase(from, side) == Phase::Waiting && self.phase(to, side) == Phase::Inside
    }

    /// Returns a shortest schedule from the start to a state.
    pub(super) fn schedule_to(&self, mut id: Id) -> Schedule {
        let mut steps = Vec::new();
        while let Some((parent, side)) = self.nodes[id].parent {
            steps.push(side);
            id = parent;
        }
        steps.reverse();
        Schedule::new(steps)
    }

    /// Returns a shortest schedule from one state to any that fits, through states that are
    /// allowed, and the state.
    pub(super) fn path(
        &self,
        from: Id,
        allowed: impl Fn(Id) -> bool,
        fits: impl Fn(Id) -> bool,
    ) -> Option<(Vec<Side>, Id)> {
        let mut parents: HashMap<Id, Option<(Id, Side)>> = HashMap::from([(from, None)]);
        let mut queue = std::collections::VecDeque::from([from]);
        while let Some(id) = queue.pop_front() {
            if fits(id) {
                let (mut steps, mut at) = (Vec::new(), id);
                while let Some(Some((parent, side))) = parents.get(&at) {
                    steps.push(*side);
                    at = *parent;
                }
                steps.reverse();
                return Some((steps, id));
            }
            for (side, next) in self.steps(id).filter(|&(_, next)| allowed(next)) {
                if let Entry::Vacant(entry) = parents.entry(next) {
                    entry.insert(Some((id, side)));
                    queue.push_back(next);
                }
            }
        }
        None
    }
}
