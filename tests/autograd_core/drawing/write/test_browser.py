"""The HTML page and its script in a headless Chromium: mouse, wheel, keyboard, themes."""

import shutil

import pytest

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
        scene = "JSON.parse(scenes.textContent).scenes[document.querySelector('[aria-pressed=true][data-show]').dataset.show]"
        n = self.js(f"{scene}.boxes.findIndex(b => b.id === arguments[0])", name)
        return self.one(f'.level:not([hidden]) .node[data-n="{n}"]')

    def press(self, *keys):
        self.actions().send_keys(*keys).perform()

    def box(self):
        return self.js("document.querySelector('.level:not([hidden]) svg').getAttribute('viewBox')")

    def width(self):
        return float(self.box().split()[2])

    def panel(self):
        return self.one("#panel").text


@pytest.fixture
def page(chromium, tmp_path):
    def opened(given, level, theme="light"):
        path = tmp_path / "net.html"
        path.write_text(to_html(given, level, "TB", theme), encoding="utf-8")
        chromium.get(path.as_uri())
        return Page(chromium)

    chromium.get_log("browser")
    yield opened
    assert chromium.get_log("browser") == []  # no error, no refusal by the policy


@pytest.fixture
def net(page):
    return page({"modules": scenes.residual(), "ops": scenes.ops()}, "modules")


def test_a_click_traces_and_shows_details(net):
    net.node("conv2").click()
    dim = {e.get_attribute("data-n") for e in net.all("svg.traced .node:not(.on)")}
    assert dim == {"7"}  # y, which neither leads to conv2 nor follows from it
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
    before = list(map(float, net.box().split()))
    node = net.node("conv1")
    at = node.rect["x"]
    net.actions().click_and_hold(node).move_by_offset(60, 30).release().perform()
    after = list(map(float, net.box().split()))
    assert after[0] < before[0]
    assert after[1] < before[1]
    assert after[2:] == before[2:]
    assert net.node("conv1").rect["x"] == pytest.approx(at + 60, abs=2)
    assert not net.all(".picked")


def test_the_wheel_zooms_at_the_pointer(net):
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    node, before = net.node("conv1"), net.width()
    middle = node.rect["x"] + node.rect["width"] / 2
    net.actions().scroll_from_origin(ScrollOrigin.from_element(node), 0, -300).perform()
    assert net.width() < before
    rect = net.node("conv1").rect
    assert rect["x"] + rect["width"] / 2 == pytest.approx(middle, abs=3)
    net.one("#fit").click()
    assert net.width() == pytest.approx(before)
    net.one("#in").click()
    assert net.width() < before
    net.one("#out").click()
    assert net.width() == pytest.approx(before)


def test_the_keyboard_zooms(net):
    before = net.width()
    net.press("+")
    assert net.width() == pytest.approx(before / 1.25)
    net.press("-")
    net.press("-")
    assert net.width() == pytest.approx(before * 1.25)
    net.press("0")
    assert net.width() == pytest.approx(before)


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
    assert net.js("document.activeElement.dataset.n") == "3"


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
            " getComputedStyle(document.querySelector('svg rect')).fill,"
            " getComputedStyle(document.querySelector('.node.module rect')).fill]"
        )

    light = colours()
    assert light == ["rgb(255, 255, 255)", "rgb(255, 255, 255)", "rgb(220, 235, 247)"]
    net.one("#theme").click()
    assert colours() == ["rgb(15, 23, 32)", "rgb(15, 23, 32)", "rgb(16, 49, 76)"]
    assert net.one("#theme").text == "Theme: dark"
    net.one("#theme").click()
    assert net.one("#theme").text == "Theme: auto"
    media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    net.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    assert colours()[1] == "rgb(15, 23, 32)"
    net.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
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
