"""The HTML page and its script in a headless Chromium: mouse, wheel, keyboard, themes, print."""

import base64
import itertools
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.drawing.write.html import to_html
from tests.autograd_core.drawing import scenes

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (CHROMIUM and DRIVER):
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *("--window-size=1100,800", f"--user-data-dir={tmp_path_factory.mktemp('profile')}"),
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(DRIVER)
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


class Page:
    """The page, and short words for what a reader does with it."""

    def __init__(self, driver):
        from selenium.webdriver import ActionChains, Keys

        self.driver, self.keys, self.actions = driver, Keys, lambda: ActionChains(driver, 20)

    def js(self, code, *args):
        return self.driver.execute_script(f"return {code}", *args)

    def all(self, css):
        return self.driver.find_elements("css selector", css)

    def one(self, css):
        return self.driver.find_element("css selector", css)

    def node(self, name):
        scene = "JSON.parse(scenes.textContent).scenes[document.querySelector('.level:not([hidden])').dataset.level]"
        n = self.js(f"{scene}.boxes.findIndex(b => b.id === arguments[0])", name)
        nodes = "[...document.querySelectorAll('.level:not([hidden]) .node')]"
        return self.js(f"{nodes}.find(node => node.unit === arguments[0])", n)

    def seen(self):
        """Return the names of the boxes and cards that are shown."""
        labels = "[...document.querySelectorAll('.level:not([hidden]) .node')]"
        return self.js(f"{labels}.map(n => n.getAttribute('aria-label').split(',')[0])")

    def badge(self, css):
        """Click the sign that opens or closes a module."""
        self.actions().move_to_element(self.one(f"{css} .badge")).click().perform()

    def frame(self):
        """Wait until the page has been drawn again."""
        self.driver.execute_async_script(
            "requestAnimationFrame(() => requestAnimationFrame(() => arguments[0]()))"
        )

    def press(self, *keys):
        self.actions().send_keys(*keys).perform()

    def view(self):
        """Return the scale, and where the origin is."""
        return self.js(
            "(m => [m.a, m.e, m.f])(document.querySelector('.level:not([hidden]) .world')"
            ".transform.baseVal.consolidate().matrix)"
        )

    def scale(self):
        return self.view()[0]

    def panel(self):
        return self.one("#panel").text


@pytest.fixture
def page(chromium, tmp_path):
    def opened(given, level, theme="light"):
        path = tmp_path / "net.html"
        html = to_html(given, level, "TB", theme) if isinstance(given, dict) else given.html
        path.write_text(html, encoding="utf-8")
        chromium.get(path.as_uri())
        return Page(chromium)

    chromium.get_log("browser")
    yield opened
    assert chromium.get_log("browser") == []  # no error, no refusal by the policy


@pytest.fixture
def net(page):
    return page({"compact": scenes.residual(), "ops": scenes.ops()}, "compact")


def test_a_click_traces_and_shows_details(net):
    net.node("conv2").click()
    (dim,) = net.all("svg.traced .node:not(.on)")
    assert dim.accessible_name == "y, labels 8"  # neither leads to conv2 nor follows from it
    assert "conv2" in net.panel()
    assert "3×3 pad 1, 64 → 64" in net.panel()
    assert [b.text for b in net.all("#panel li button")] == ["relu", "add"]
    assert len(net.all(".edge.on")) == 7  # not the skip past it, nor y's
    net.all("#panel li button")[1].click()
    assert net.one("#panel h2").text == "add"
    net.press(net.keys.ESCAPE)
    assert not net.all("svg.traced, .picked")


def test_a_click_beside_everything_clears(net):
    net.node("conv1").click()
    view = net.one("#view")
    net.actions().move_to_element_with_offset(view, -390, 0).click().perform()
    assert not net.all(".picked")


def test_dragging_moves_and_does_not_pick(net):
    before = net.view()
    node = net.node("conv1")
    at = node.rect["x"]
    net.actions().click_and_hold(node).move_by_offset(60, 30).release().perform()
    assert net.view() == [before[0], before[1] + 60, before[2] + 30]
    assert net.node("conv1").rect["x"] == pytest.approx(at + 60, abs=2)
    assert not net.all(".picked")


def test_the_wheel_zooms_at_the_pointer(net):
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    node, before = net.node("conv1"), net.scale()
    middle = node.rect["x"] + node.rect["width"] / 2
    net.actions().scroll_from_origin(ScrollOrigin.from_element(node), 0, -300).perform()
    assert net.scale() > before
    rect = net.node("conv1").rect
    assert rect["x"] + rect["width"] / 2 == pytest.approx(middle, abs=3)
    net.one("#in").click()
    net.one("#out").click()
    net.one("#fit").click()
    rects = [net.node(i).rect for i in ("x", "loss")]
    assert 0 < rects[0]["y"] < rects[1]["y"] < net.js("innerHeight")


def test_the_keyboard_zooms(net):
    before = net.view()
    net.press("+")
    assert net.scale() == pytest.approx(before[0] * 1.25)
    net.press("-")
    net.press("-")
    assert net.scale() == pytest.approx(before[0] / 1.25)
    net.press("1")
    assert net.view() == before


def test_the_page_opens_at_the_top_with_text_that_can_be_read(page):
    p = page({"ops": scenes.long(200)}, "ops")
    smallest = (
        "Math.min(...[...document.querySelectorAll('.graph text')]"
        ".map(t => t.getAttribute('font-size')))"
    )
    assert p.scale() * p.js(smallest) >= 11
    top = p.node("op0").rect["y"] - p.one("#view").rect["y"]
    assert 0 < top < 100
    shown, whole = p.one("#map rect").rect, p.one("#map").rect
    assert shown["y"] == pytest.approx(whole["y"], abs=3)
    assert 0 < shown["height"] < whole["height"] / 5
    p.actions().move_to_element(p.one("#map")).click().perform()
    assert p.view()[2] < -1000


def test_modules_open_and_close_on_a_click(page):
    p = page({"modules": scenes.ops(), "ops": scenes.ops()}, "modules")
    assert p.seen() == ["x", "fc1.sigmoid", "fc2.sigmoid", "loss", "fc1", "fc2"]
    places = [p.node(i).rect["y"] for i in ("x", "fc1", "fc1.sigmoid", "fc2", "loss")]
    assert places == sorted(places)
    assert places[-1] - places[0] < 400 * p.scale()  # no empty strips
    at = p.node("fc1").rect
    p.badge(".cards .node")
    assert {"fc1.W", "fc1.matmul", "fc2"} <= set(p.seen())
    assert "fc1" not in p.seen()
    assert len(p.all(".edge")) == 8
    assert p.one(".frames > *").rect["y"] == pytest.approx(at["y"], abs=80)
    p.one(".titles > * text").click()
    assert "fc1.W" not in p.seen()
    assert p.one("#panel h2").text == "fc1"
    assert [b.text for b in p.all("#panel li button")] == ["x", "fc1.sigmoid"]
    assert len(p.all(".edge")) == 5


@pytest.mark.parametrize("reverse", [False, True])
def test_arrows_end_at_the_cards_of_closed_modules(page, reverse):
    scene = scenes.ops()
    scene.arrows = [replace(a, reverse=reverse) for a in scene.arrows]
    p = page({"modules": scene, "ops": scene}, "modules")
    assert len(p.all(".edge")) == 5
    ends = (
        "[...document.querySelectorAll('.edge .head')].map("
        "h => (r => [r.x + r.width / 2, r.top, r.bottom])(h.getBoundingClientRect()))"
    )
    places = [p.node(name).find_element("css selector", "rect").rect for name in p.seen()]
    places = [(r["y"] + r["height"] * reverse, r["x"], r["x"] + r["width"]) for r in places]
    for x, top, bottom in p.js(ends):  # at the top of what they lead to, or at its bottom
        tip = top if reverse else bottom
        assert any(abs(y - tip) < 3 and left < x < right for y, left, right in places)


def test_modules_open_and_close_by_keyboard(page):
    p = page({"modules": scenes.ops(), "ops": scenes.ops()}, "modules")
    p.press(p.keys.ARROW_DOWN)
    p.press(p.keys.ARROW_DOWN)
    assert p.one("#panel h2").text == "fc1"
    p.press(p.keys.ENTER)
    assert "fc1.matmul" in p.seen()
    p.press("c")
    assert "fc1.matmul" not in p.seen()
    assert p.one("#panel h2").text == "fc1"


def test_a_search_finds_what_is_closed(page):
    p = page({"modules": scenes.ops(), "ops": scenes.ops()}, "modules")
    p.press("/")
    p.press("fc2.b")
    assert p.one("#count").text == "1 found"
    assert [e.accessible_name for e in p.all(".hit")] == ["fc2, Linear, 170 params"]
    p.press(p.keys.ENTER)
    assert {"fc2.b", "fc1"} <= set(p.seen())
    assert p.one("#panel h2").text == "fc2.b"


def test_a_phone_shows_the_graph_and_the_details(page):
    p = page({"modules": scenes.ops(), "ops": scenes.ops()}, "modules")
    size = {"width": 390, "height": 780, "deviceScaleFactor": 1, "mobile": True}
    p.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert p.js("document.documentElement.scrollWidth") <= 390
        view, panel = p.one("#view").rect, p.one("#panel").rect
        assert view["width"] == panel["width"] == 390
        assert view["height"] > 300
        assert 0 < p.node("fc1").rect["x"] < 390 - p.node("fc1").rect["width"]
    finally:
        p.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize(("count", "sheets"), [(12, 1), (60, 5)])
def test_printing(page, count, sheets):
    p = page({"ops": scenes.long(count)}, "ops", "dark")
    made = p.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    pdf = base64.b64decode(made["data"])
    assert len(re.findall(rb"/Type */Page\b", pdf)) == sheets
    assert not p.all("#pages svg")
    p.js("dispatchEvent(new Event('beforeprint'))")
    spans = [list(map(float, e.get_dom_attribute("viewBox").split())) for e in p.all("#pages svg")]
    assert len(spans) == sheets
    for a, b in itertools.pairwise(spans):
        assert a[1] + a[3] == pytest.approx(b[1])  # nothing is lost between two sheets
    p.js("dispatchEvent(new Event('afterprint'))")


def sweep(p):
    """Return what is said of the step that is shown."""
    return re.sub(" +", " ", p.one("#rule").text)


def test_values_and_then_gradients_pass_through_the_boxes(page):
    picture = ag.draw(lambda w, x: np.sum(np.tanh(w * x)), np.ones(3), np.full(3, 0.5))
    p = page(picture, "ops")
    p.press(".")
    assert sweep(p).startswith("forward 1 / 4 multiply")
    assert p.node("w").get_attribute("class").split()[-1] == "passed"
    assert len(p.all(".edge.flow")) == 2
    said = [sweep(p)]
    for _ in range(7):
        p.press(".")
        said.append(sweep(p))
    steps = [f"{way} {k} / 4" for way in ("forward", "backward") for k in (1, 2, 3, 4)]
    assert [text.split("\n")[0].rsplit(" ", 1)[0] for text in said] == steps
    assert [text.split("\n")[0].rsplit(" ", 1)[1] for text in said] == [
        *("multiply", "tanh", "sum", "output"),
        *("output", "sum", "tanh", "multiply"),
    ]
    assert "from 0.462 to 0.462" in said[1]
    assert "x: g * (1 - out * out)" in said[6]
    assert "gradient of x: g * y\ngradient of y: g * x" in said[7]
    assert {"returned", "passed"} <= set(p.node("w").get_attribute("class").split())
    p.press(",")
    assert sweep(p) == said[6]
    p.press(p.keys.ESCAPE)
    assert not p.one("#rule").is_displayed()
    assert not p.all(".now, .flow, .passed, .returned, .sweep")


def test_play_and_pause(page):
    p = page({"modules": scenes.ops(), "ops": scenes.ops()}, "modules")
    p.press("p")
    assert p.one("#play").text.endswith("Pause")
    p.driver.execute_async_script(
        "new MutationObserver((_, o) => (o.disconnect(), arguments[0]())).observe(rule, {childList: true})"
    )
    assert sweep(p).startswith("forward 2 / 5 fc1.sigmoid")
    p.one("#play").click()
    assert p.one("#play").text == "▶ Play"
    p.one("#previous").click()
    assert sweep(p).startswith("forward 1 / 5 fc1")
    names = "getComputedStyle(document.querySelector('.edge.flow .line')).animationName"
    assert p.js(names) == "flow"
    p.badge(".cards .node")  # opening a module ends it
    assert not p.one("#rule").is_displayed()


def test_nothing_moves_by_itself_where_motion_is_reduced(page):
    p = page({"ops": scenes.ops()}, "ops")
    media = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    p.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    try:
        for k in (1, 2):
            p.one("#play").click()
            assert p.one("#play").text == "▶ Play"
            assert sweep(p).startswith(f"forward {k} / 7")
        names = "getComputedStyle(document.querySelector('.edge.flow .line')).animationName"
        assert p.js(names) == "none"
    finally:
        p.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_searching_highlights_and_enter_jumps(net):
    net.press("/")
    assert net.js("document.activeElement.id") == "find"
    net.press("conv")
    assert len(net.all(".hit")) == 2
    assert net.one("#count").text == "2 found"
    net.press(net.keys.ENTER)
    assert net.one("#panel h2").text == "conv1"
    net.press(net.keys.ENTER)
    assert net.one("#panel h2").text == "conv2"
    net.press(net.keys.ENTER)
    assert net.one("#panel h2").text == "conv1"
    net.press(net.keys.ESCAPE)
    assert not net.all(".hit")
    assert net.one("#find").get_attribute("value") == ""


def test_arrow_keys_walk_along_the_graph(net):
    net.press(net.keys.ARROW_DOWN)
    walked = [net.one("#panel h2").text]
    for _ in range(4):
        net.press(net.keys.ARROW_DOWN)
        walked.append(net.one("#panel h2").text)
    assert walked == ["x", "conv1", "bn1", "relu", "conv2"]
    net.press(net.keys.ARROW_UP)
    assert net.one("#panel h2").text == "relu"
    assert net.js("document.activeElement.getAttribute('aria-label')") == "relu"


def test_levels_switch_and_keep_what_is_picked(net):
    net.node("x").click()
    net.one('[data-show="ops"]').click()
    assert [e.is_displayed() for e in net.all(".level")] == [False, True]
    assert net.one("#panel h2").text == "x"
    assert net.one('[data-show="ops"]').get_attribute("aria-pressed") == "true"
    net.node("fc1.matmul").click()
    assert "32×16" in net.panel()


def test_the_theme_button_turns_the_page_and_the_picture(net):
    def colours():
        return net.js(
            "[getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.querySelector('.edge .head')).fill,"
            " getComputedStyle(document.querySelector('.node.module rect')).fill]"
        )

    light = colours()
    assert light == ["rgb(255, 255, 255)", "rgb(132, 146, 166)", "rgb(220, 235, 247)"]
    net.one("#theme").click()
    assert colours() == ["rgb(15, 23, 32)", "rgb(124, 141, 160)", "rgb(16, 49, 76)"]
    assert net.one("#theme").text == "Theme: dark"
    net.one("#theme").click()
    assert net.one("#theme").text == "Theme: auto"
    media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    net.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    net.frame()
    assert colours()[0] == "rgb(15, 23, 32)"
    net.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    net.frame()
    assert colours() == light


def test_help_opens_and_closes(net):
    net.press("?")
    assert net.one("#help").is_displayed()
    net.press(net.keys.ESCAPE)
    assert not net.one("#help").is_displayed()
    net.one("#ask").click()
    net.one("#close").click()
    assert not net.one("#help").is_displayed()


def test_boxes_are_buttons_to_a_screen_reader(net):
    node = net.node("conv1")
    assert node.aria_role == "button"
    assert node.accessible_name == "conv1, Conv2d, 36,928 params"
    node.click()
    assert node.get_attribute("aria-pressed") == "true"
    assert (
        net.js("document.querySelectorAll('.level:not([hidden]) .node[tabindex=\"0\"]').length")
        == 1
    )


def test_hostile_names_are_text(page):
    p = page({"ops": scenes.hostile()}, "ops")
    p.one("#fit").click()
    for name in ("</script><script>window.bad=1</script>", "a & b", "层·卷积", "🧠🔥"):
        p.node(name).click()
        assert p.one("#panel h2").text == name
    p.press("/")
    p.press("onerror")
    p.press(p.keys.ENTER)
    assert p.one("#panel h2").text == "<img src=x onerror=window.bad=1>"
    assert p.js("window.bad === undefined")
    assert not p.all("img")


def test_a_large_graph_is_usable(page):
    p = page({"ops": scenes.long(2000, 7)}, "ops")
    p.press("/")
    p.press("op1999")
    p.press(p.keys.ENTER)
    rect = p.js(
        "(r => [r.top, r.bottom, innerHeight])(document.querySelector('.picked').getBoundingClientRect())"
    )
    assert 0 < rect[0] < rect[1] < rect[2]
    assert len(p.all("svg.traced .node:not(.on)")) == 0
    assert 5 < len(p.all(".node")) < 40  # what is beyond the view is not in the document
    p.one("#fit").click()
    assert len(p.all(".node")) == 2000
    assert p.js("getComputedStyle(document.querySelector('.graph text')).display") == "none"
