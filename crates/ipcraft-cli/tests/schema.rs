//! The JSON of a real run against docs/bench.schema.json.

use std::fs;
use std::process::Command;

use serde_json::{Map, Value, json};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/bench.schema.json");

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(SCHEMA).unwrap()).unwrap()
}

/// Measures one mechanism and the pairs of cores.
fn measured() -> Value {
    let line = "bench --quick --only pipe --workload round_trip --cores all --label name --json -";
    let output = Command::new(env!("CARGO_BIN_EXE_ipcraft")).args(line.split(' ')).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Validates by the keywords that the schema uses. Any other keyword is an error.
struct Validator {
    root: Value,
    errors: Vec<String>,
}

impl Validator {
    fn errors(root: &Value, value: &Value) -> Vec<String> {
        let mut validator = Validator { root: root.clone(), errors: Vec::new() };
        validator.check(root, value, "");
        validator.errors
    }

    fn check(&mut self, schema: &Value, value: &Value, path: &str) {
        for (keyword, expected) in schema.as_object().expect("a schema is an object") {
            let holds = match keyword.as_str() {
                "description" | "title" | "$schema" | "$defs" => true,
                "$ref" => {
                    let pointer = expected.as_str().unwrap().trim_start_matches('#').to_owned();
                    let target = self.root.pointer(&pointer).expect("a definition").clone();
                    self.check(&target, value, path);
                    true
                }
                "type" => has_type(expected, value),
                "enum" => expected.as_array().unwrap().contains(value),
                "const" => expected == value,
                "minimum" => value.as_f64().is_none_or(|number| number >= expected.as_f64().unwrap()),
                "minItems" => length(value).is_none_or(|count| count >= expected.as_u64().unwrap()),
                "maxItems" => length(value).is_none_or(|count| count <= expected.as_u64().unwrap()),
                "anyOf" => expected.as_array().unwrap().iter().any(|one| self.accepts(one, value)),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(expected, item, &format!("{path}/{index}"));
                    }
                    true
                }
                "required" => {
                    let names = expected.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                    names.into_iter().all(|name| value.get(name).is_some())
                }
                "properties" => {
                    self.check_properties(expected.as_object().unwrap(), value, path);
                    true
                }
                "additionalProperties" => {
                    let known = schema["properties"].as_object().unwrap();
                    let mut names = value.as_object().into_iter().flat_map(Map::keys);
                    names.all(|name| known.contains_key(name))
                }
                other => panic!("this validator does not know {other}"),
            };
            if !holds {
                self.errors.push(format!("{path}: {keyword}"));
            }
        }
    }

    fn check_properties(&mut self, properties: &Map<String, Value>, value: &Value, path: &str) {
        for (name, schema) in properties {
            if let Some(value) = value.get(name) {
                self.check(schema, value, &format!("{path}/{name}"));
            }
        }
    }

    fn accepts(&self, schema: &Value, value: &Value) -> bool {
        let mut other = Validator { root: self.root.clone(), errors: Vec::new() };
        other.check(schema, value, "");
        other.errors.is_empty()
    }
}

fn has_type(expected: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("this validator does not know the type {other}"),
    };
    expected.as_array().map_or_else(|| is(expected), |names| names.iter().any(is))
}

fn length(value: &Value) -> Option<u64> {
    value.as_array().map(|items| items.len() as u64)
}

#[test]
fn json_of_a_run_satisfies_the_schema_and_nothing_else_does() {
    let (schema, run) = (schema(), measured());
    assert_eq!(Validator::errors(&schema, &run), [""; 0]);
    let errors = |change: &dyn Fn(&mut Value)| {
        let mut changed = run.clone();
        change(&mut changed);
        Validator::errors(&schema, &changed)
    };
    let without = |value: &mut Value, name: &str| {
        value.as_object_mut().unwrap().remove(name).expect("a field");
    };
    assert_eq!(errors(&|run| without(run, "label")), [": required"]);
    assert_eq!(errors(&|run| without(&mut run["results"][0], "time_ns")), ["/results/0: required"]);
    assert_eq!(errors(&|run| run["environment"]["x"] = json!(1)), ["/environment: additionalProperties"]);
    assert_eq!(errors(&|run| run["results"][1]["workload"] = json!("x")), ["/results/1/workload: enum"]);
    assert_eq!(errors(&|run| run["results"][0]["size"] = json!(-1)), ["/results/0/size: minimum"]);
    assert_eq!(errors(&|run| run["results"][0]["noisy"] = json!(null)), ["/results/0/noisy: type"]);
    assert_eq!(errors(&|run| run["results"][0]["time_ns"] = json!({})), ["/results/0/time_ns: anyOf"]);
    assert_eq!(errors(&|run| run["schema"] = json!(0)), ["/schema: const"]);
}

#[test]
fn schema_describes_every_field() {
    fn describe(schema: &Value, path: &str) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let is_described = field.get("description").is_some() || field.get("$ref").is_some();
            assert!(is_described, "{path}/{name}");
        }
        for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
            assert!(definition.get("description").is_some(), "{name}");
            describe(definition, name);
        }
    }
    describe(&schema(), "");
}
