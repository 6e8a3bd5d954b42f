//! What the graph of states proves about the conditions of mutual exclusion.

use ipcraft_step::Side;
use serde::{Deserialize, Serialize};

use super::graph::{Graph, Id};
use super::schedule::Schedule;
use crate::variables::Phase;

/// Whether a condition holds in every order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// In every order.
    Holds,
    /// Not in this one, which is among the shortest.
    Violated {
        /// The order of steps from the start.
        schedule: Schedule,
        /// What is repeated without end after that; empty if nothing needs to be.
        cycle: Schedule,
    },
}

impl Verdict {
    /// Returns the schedule of a violation.
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Verdict::Holds => None,
            Verdict::Violated { schedule, .. } => Some(schedule),
        }
    }

    fn at(graph: &Graph, id: Option<Id>) -> Verdict {
        id.map_or(Verdict::Holds, |id| Verdict::Violated {
            schedule: graph.schedule_to(id),
            cycle: Schedule::default(),
        })
    }
}

/// Never two processes are inside.
pub(super) fn exclusion(graph: &Graph) -> Verdict {
    let both_inside = |&id: &Id| Side::BOTH.iter().all(|&side| graph.phase(id, side) == Phase::Inside);
    Verdict::at(graph, graph.ids().find(both_inside))
}

/// While a process waits, some process can still enter.
pub(super) fn progress(graph: &Graph) -> Verdict {
    let can_enter = reaching_an_entry(graph);
    let waits = |id: Id| Side::BOTH.iter().any(|&side| graph.phase(id, side) == Phase::Waiting);
    Verdict::at(graph, graph.ids().find(|&id| waits(id) && !can_enter[id]))
}

/// Returns for each state whether an entry is possible from there. Where the search ended, an entry
/// is assumed.
fn reaching_an_entry(graph: &Graph) -> Vec<bool> {
    let mut before: Vec<Vec<Id>> = vec![Vec::new(); graph.len()];
    let mut reaching = vec![false; graph.len()];
    let mut queue = Vec::new();
    for id in graph.ids() {
        if graph.is_cut(id) {
            reaching[id] = true;
            queue.push(id);
        }
        for (side, next) in graph.steps(id) {
            before[next].push(id);
            if graph.enters(id, side, next) && !reaching[id] {
                reaching[id] = true;
                queue.push(id);
            }
        }
    }
    while let Some(id) = queue.pop() {
        for &earlier in &before[id] {
            if !std::mem::replace(&mut reaching[earlier], true) {
                queue.push(earlier);
            }
        }
    }
    reaching
}

/// A process that is outside blocks no other, even if it is stopped there.
pub(super) fn independence(graph: &Graph) -> Verdict {
    let blocked = Side::BOTH.map(|side| blocked_alone(graph, side));
    let violates = |&id: &Id| {
        Side::BOTH.iter().any(|&side| {
            graph.phase(id, side.other()) == Phase::Outside
                && graph.phase(id, side) == Phase::Waiting
                && blocked[side.index()][id]
        })
    };
    Verdict::at(graph, graph.ids().find(violates))
}

/// Returns for each state in which a side waits whether it never enters if it alone takes steps.
fn blocked_alone(graph: &Graph, side: Side) -> Vec<bool> {
    let mut known: Vec<Option<bool>> = vec![None; graph.len()];
    for start in graph.ids() {
        let mut path = Vec::new();
        let mut at = start;
        let blocked = loop {
            if graph.phase(at, side) != Phase::Waiting {
                break false;
            }
            match known[at] {
                Some(blocked) => break blocked,
                // Marked when the walk came by: it has returned to this state without an entry.
                None => known[at] = Some(true),
            }
            path.push(at);
            match graph.next(at, side) {
                Some(next) => at = next,
                None => break false,
            }
        };
        for id in path {
            known[id] = Some(blocked);
        }
    }
    known.into_iter().map(|blocked| blocked.unwrap_or(false)).collect()
}

/// A process that waits is not bypassed without end, although it takes steps.
pub(super) fn bounded_waiting(graph: &Graph) -> Verdict {
    let bypass = Side::BOTH.iter().find_map(|&side| endless_bypass(graph, side));
    bypass.map_or(Verdict::Holds, |(schedule, cycle)| Verdict::Violated { schedule, cycle })
}

/// Returns a schedule and a cycle in which one side waits and takes steps while the other enters.
fn endless_bypass(graph: &Graph, waiting: Side) -> Option<(Schedule, Schedule)> {
    let waits = |id: Id| graph.phase(id, waiting) == Phase::Waiting;
    let components = components(graph, &waits);
    let inside = |from: Id, to: Id| waits(from) && waits(to) && components[from] == components[to];
    for from in graph.ids() {
        let other = waiting.other();
        let Some(to) = graph.next(from, other) else { continue };
        if !(inside(from, to) && graph.enters(from, other, to)) {
            continue;
        }
        let allowed = |id: Id| inside(from, id);
        let steps_there = |id: Id| graph.next(id, waiting).is_some_and(|next| inside(id, next));
        let Some((mut cycle, at)) = graph.path(to, allowed, steps_there) else { continue };
        cycle.push(waiting);
        let next = graph.next(at, waiting)?;
        let (back, _) = graph.path(next, allowed, |id| id == from)?;
        cycle.extend(back);
        cycle.push(other);
        return Some((graph.schedule_to(to), Schedule::new(cycle)));
    }
    None
}

/// Returns the strongly connected component of each state that belongs (Tarjan's
/// algorithm, without recursion). States that do not belong have a component each.
fn components(graph: &Graph, belongs: &impl Fn(Id) -> bool) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let count = graph.len();
    let (mut index, mut low, mut component) = (vec![UNSEEN; count], vec![0; count], vec![UNSEEN; count]);
    let (mut stack, mut next_index, mut next_component) = (Vec::new(), 0, 0);
    for root in graph.ids() {
        if index[root] != UNSEEN {
            continue;
        }
        let mut calls = vec![(root, 0)];
        while let Some((id, edge)) = calls.pop() {
            if edge == 0 {
                index[id] = next_index;
                low[id] = next_index;
                next_index += 1;
                stack.push(id);
            }
            let successor = Side::BOTH.get(edge).map(|&side| graph.next(id, side));
            match successor {
                Some(next) => {
                    calls.push((id, edge + 1));
                    let Some(next) = next.filter(|&next| belongs(id) && belongs(next)) else { continue };
                    if index[next] == UNSEEN {
                        calls.push((next, 0));
                    } else if component[next] == UNSEEN {
                        low[id] = low[id].min(index[next]);
                    }
                }
                None => {
                    if low[id] == index[id] {
                        while let Some(member) = stack.pop() {
                            component[member] = next_component;
                            if member == id {
                                break;
                            }
                        }
                        next_component += 1;
                    }
                    if let Some(&(caller, _)) = calls.last() {
                        low[caller] = low[caller].min(low[id]);
                    }
                }
            }
        }
    }
    component
}
