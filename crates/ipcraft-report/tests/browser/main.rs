//! The HTML report in a real browser: it shows everything without a network, and its script works.
//!
//! The browser is the first of `chromium`, `chromium-browser` and `google-chrome` in `PATH`, or
//! what `IPCRAFT_BROWSER` names. Without one, the test is skipped.
//!
//! With `IPCRAFT_SCREENSHOTS=FOLDER`, the page is also written there, for a human to open.

mod devtools;
mod sample;
#[allow(dead_code, reason = "the unit tests use the rest")]
#[path = "../../src/test_results.rs"]
mod test_results;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use devtools::Browser;
use ipcraft_report::html;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::{Value, json};

fn main() -> ExitCode {
    let trial = Trial::ignorable_test("page_in_browser_works_without_network", test);
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn test() -> Result<Completion, Failed> {
    let Some(found) = devtools::find() else {
        return Ok(Completion::ignored_with(
            "skipped: no browser (chromium) in PATH; IPCRAFT_BROWSER names one",
        ));
    };
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("report.html");
    fs::write(&file, html::page(&sample::runs()))?;
    if let Some(folder) = env::var_os("IPCRAFT_SCREENSHOTS") {
        fs::copy(&file, Path::new(&folder).join("report.html"))?;
    }
    let mut browser = Browser::start(&found);
    browser.resize(1200);
    browser.open(&file);
    page_shows_every_section(&mut browser);
    page_fits_every_width(&mut browser);
    text_is_legible_in_both_schemes(&mut browser);
    pointing_at_a_mark_shows_its_figures(&mut browser);
    pointing_at_a_curve_shows_a_percentile(&mut browser);
    a_tab_shows_its_charts(&mut browser);
    a_choice_colours_a_series_and_hides_a_run(&mut browser);
    a_heading_sorts_the_table(&mut browser);
    the_filter_leaves_rows_with_all_words(&mut browser);
    printing_yields_pages(&mut browser);
    nothing_failed_and_nothing_was_loaded(&browser, &file);
    charts_need_no_script(&mut browser, &file);
    Ok(Completion::Completed)
}

fn page_shows_every_section(browser: &mut Browser) {
    let ids = browser.evaluate("[...document.querySelectorAll('section')].map(s => s.id)");
    let expected = "conditions winners comparison latency throughput cpu ratio cores setup table";
    assert_eq!(ids, Value::from(expected.split(' ').collect::<Vec<_>>()));
    let hostile = browser.evaluate("document.querySelectorAll('img, figure script, section script').length");
    assert_eq!(hostile, 0, "a text became markup");
    let named = browser.evaluate("[...document.querySelectorAll('svg[role=img]')].every(s => s.getAttribute('aria-label') && s.querySelector('desc'))");
    assert_eq!(named, true);
    let title = browser.evaluate("document.title");
    assert!(title.as_str().unwrap().contains(sample::HOSTILE), "{title}");
}

fn page_fits_every_width(browser: &mut Browser) {
    for width in [400, 800, 1600] {
        browser.resize(width);
        let widths =
            browser.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]");
        assert!(widths[0].as_f64() <= widths[1].as_f64(), "at {width} px: {widths}");
        let text = "Math.min(...[...document.querySelectorAll('figure svg text')].map(t => t.getBoundingClientRect().height).filter(h => h))";
        let height = browser.evaluate(text).as_f64().unwrap();
        assert!(height >= 9.0, "text of {height} px at {width} px");
    }
    browser.resize(1200);
}

/// The contrast of text as WCAG defines it.
const CONTRAST: &str = "(() => {
    const light = color => color.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const paper = light(getComputedStyle(document.body).backgroundColor);
    const inks = ['body', 'section > p', 'figure svg text', '.conditions th'].map(selector => {
        const style = getComputedStyle(document.querySelector(selector));
        return light(selector.includes('svg') ? style.fill : style.color);
    });
    return [paper, ...inks.map(ink => (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05))];
})()";

fn text_is_legible_in_both_schemes(browser: &mut Browser) {
    let papers = ["light", "dark"].map(|scheme| {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser.call("Emulation.setEmulatedMedia", json!({ "features": features }));
        let found = browser.evaluate(CONTRAST);
        let figures: Vec<f64> = found.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        assert!(figures[1..].iter().all(|contrast| *contrast >= 4.5), "{scheme}: {figures:?}");
        figures[0]
    });
    assert!(papers[0] > 0.8 && papers[1] < 0.2, "{papers:?}");
    browser.call("Emulation.setEmulatedMedia", json!({ "features": [] }));
}

fn tooltip(browser: &mut Browser) -> String {
    let text = browser.evaluate("tip.hidden ? '' : tip.textContent");
    text.as_str().unwrap().into()
}

fn pointing_at_a_mark_shows_its_figures(browser: &mut Browser) {
    let pane = "#cpu label:has(:checked) + .pane";
    let place = browser.centre(&format!("{pane} [data-m=pipe]"));
    browser.point_at(place);
    let text = tooltip(browser);
    assert!(text.starts_with("pipe: 9.00 us, CPU 14.4 us (3.60 us in the kernel)"), "{text}");
    let place = browser.centre("#conditions h2");
    browser.point_at(place);
    assert_eq!(tooltip(browser), "");
    let place = browser.centre("#cores [data-t]");
    browser.point_at(place);
    assert_eq!(tooltip(browser), "0 to 1: 90 ns");
}

fn pointing_at_a_curve_shows_a_percentile(browser: &mut Browser) {
    let end = "(() => { const c = document.querySelector('#latency label:has(:checked) + .pane [data-m=pipe]'); \
               c.scrollIntoView({block: 'center'}); const p = c.getPointAtLength(0).matrixTransform(c.getScreenCTM()); \
               return [p.x, p.y]; })()";
    let place = browser.evaluate(end);
    browser.point_at((place[0].as_f64().unwrap(), place[1].as_f64().unwrap()));
    let text = tooltip(browser);
    assert!(text.ends_with("us") && text.contains(": 0 % take at most "), "{text}");
}

fn a_tab_shows_its_charts(browser: &mut Browser) {
    let visible = "[...document.querySelectorAll('#latency .pane')].findIndex(pane => pane.offsetHeight > 0)";
    let before = browser.evaluate(visible);
    browser.click("#latency .tabs label:not(:has(:checked))");
    let after = browser.evaluate(visible);
    assert!(before != after && after.as_i64() >= Some(0), "{before}, {after}");
    browser.call(
        "Input.dispatchKeyEvent",
        json!({ "type": "keyDown", "key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39 }),
    );
    assert_ne!(browser.evaluate(visible), after, "the arrow keys move between tabs");
}

fn a_choice_colours_a_series_and_hides_a_run(browser: &mut Browser) {
    let coloured = "document.querySelectorAll('#cpu .on[data-m=channel_spin]').length";
    assert_eq!(browser.evaluate(coloured), 0);
    browser.click("#choice summary");
    browser.click("#choice [data-pick=channel_spin]");
    assert!(browser.evaluate(coloured).as_i64() > Some(0));
    let figures =
        "[...document.querySelectorAll('#throughput figure')].filter(f => f.offsetHeight > 0).length";
    let both = browser.evaluate(figures).as_i64().unwrap();
    browser.click("#choice [data-show='1']");
    assert_eq!(browser.evaluate(figures).as_i64(), Some(both / 2));
    browser.click("#choice [data-show='1']");
    browser.click("#choice summary");
}

fn a_heading_sorts_the_table(browser: &mut Browser) {
    let column = "[...document.querySelectorAll('#rows th')].findIndex(th => th.textContent == 'time') + 1";
    let column = browser.evaluate(column).as_i64().unwrap();
    let heading = format!("#rows th:nth-child({column})");
    let times = format!(
        "[...document.querySelectorAll('#rows td:nth-child({column})')].map(td => td.textContent.trim()) \
         .filter(Boolean).map(t => parseFloat(t) * ({{ns: 1, us: 1e3, ms: 1e6}})[t.split(' ')[1]])"
    );
    for (order, sign) in [("ascending", 1.0), ("descending", -1.0)] {
        browser.click(&format!("{heading} button"));
        let sorted =
            browser.evaluate(&format!("document.querySelector('{heading}').getAttribute('aria-sort')"));
        assert_eq!(sorted, order);
        let found = browser.evaluate(&times);
        let found: Vec<f64> = found.as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        assert!(
            found.len() > 100 && found.windows(2).all(|pair| pair[0] * sign <= pair[1] * sign),
            "{order}"
        );
    }
    browser.evaluate("document.querySelector('#rows th:nth-child(2) button').focus()");
    let enter = |kind| json!({ "type": kind, "key": "Enter", "code": "Enter", "text": "\r", "windowsVirtualKeyCode": 13 });
    browser.call("Input.dispatchKeyEvent", enter("keyDown"));
    browser.call("Input.dispatchKeyEvent", enter("keyUp"));
    let sorted =
        browser.evaluate("[...document.querySelectorAll('#rows [aria-sort]')].map(th => th.cellIndex)");
    assert_eq!(sorted, json!([1]), "the keyboard sorts, too");
}

fn the_filter_leaves_rows_with_all_words(browser: &mut Browser) {
    browser.evaluate("filter.value = 'pipe near 64'; filter.dispatchEvent(new Event('input'))");
    let rows = "[...document.querySelectorAll('#rows tbody tr')].filter(r => r.offsetHeight > 0).map(r => r.textContent)";
    let rows = browser.evaluate(rows);
    let rows = rows.as_array().unwrap();
    assert!(!rows.is_empty(), "no rows");
    assert!(
        rows.iter().all(|row| row.as_str().is_some_and(|row| row.contains("pipe") && row.contains("near")))
    );
    browser.evaluate("filter.value = ''; filter.dispatchEvent(new Event('input'))");
}

fn printing_yields_pages(browser: &mut Browser) {
    let printed = browser.call("Page.printToPDF", json!({ "printBackground": true }));
    let pdf = printed["data"].as_str().unwrap();
    assert!(pdf.starts_with("JVBERi0") && pdf.len() > 20_000, "{} bytes", pdf.len());
}

fn nothing_failed_and_nothing_was_loaded(browser: &Browser, file: &Path) {
    let url = format!("file://{}", file.display());
    for event in &browser.events {
        let parameters = &event["params"];
        match event["method"].as_str() {
            Some("Log.entryAdded") => assert_ne!(parameters["entry"]["level"], "error", "{event}"),
            Some("Runtime.consoleAPICalled") => assert_ne!(parameters["type"], "error", "{event}"),
            Some("Runtime.exceptionThrown") => panic!("{event}"),
            Some("Network.requestWillBeSent") => {
                assert_eq!(parameters["request"]["url"], url.as_str(), "{event}");
            }
            _ => {}
        }
    }
    let requests =
        browser.events.iter().filter(|event| event["method"] == "Network.requestWillBeSent").count();
    assert_eq!(requests, 1, "the page itself is reported, so other requests would be, too");
}

fn charts_need_no_script(browser: &mut Browser, file: &Path) {
    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.open(file);
    let layout = browser.call("Page.getLayoutMetrics", json!({}));
    assert!(layout["cssContentSize"]["height"].as_f64() > Some(3000.0), "{layout}");
    let document = browser.call("DOM.getDocument", json!({}));
    let root = &document["root"]["nodeId"];
    for selector in ["#latency label:has(:checked) + .pane path.on", "#throughput path.on", "#rows tbody tr"]
    {
        let found = browser.call("DOM.querySelector", json!({ "nodeId": root, "selector": selector }));
        let node = &found["nodeId"];
        // An element that is not shown has no box, which is an error.
        let model = browser.call("DOM.getBoxModel", json!({ "nodeId": node }));
        assert!(model["model"]["width"].as_f64() > Some(0.0), "{selector}: {model}");
    }
}
