"""The page of a run, also in a headless Chromium as wide as a phone."""

import shutil

import pytest

import nn
from nn.cli import digits
from nn.cli.html import page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")


def test_names_of_a_user_are_text():
    shown = [("graph.svg", "<b>", "a & b")]
    text = page("<script>", shown, nn.History([{"epoch": 1, "a<b": 0.5}]), files=["<i>.csv"])
    assert not any(f"<{word}>" in text for word in ("script", "b", "i"))
    assert "width=device-width" in text


@pytest.fixture
def phone():
    """Start a Chromium of 390 pixels."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    if not (CHROMIUM and DRIVER):
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(flag)
    metrics = {"width": 390, "height": 844, "pixelRatio": 2.0}
    options.add_experimental_option("mobileEmulation", {"deviceMetrics": metrics})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.mark.browser
def test_a_run_is_read_on_a_phone(phone, tmp_path, capsys):
    """Nothing but frames scrolls sideways, text has 16 pixels, and the letters of plots nearly 10."""
    pytest.importorskip("matplotlib")
    assert digits.main(["--epochs", "2", "--out", str(tmp_path / "run")]) == 0
    phone.get((tmp_path / "run" / "index.html").as_uri())
    phone.execute_script(
        "document.querySelectorAll('img').forEach(i => i.loading = 'eager');"
        "document.querySelector('details').open = true"
    )
    wait = "return [...document.images].every(i => i.complete && i.naturalWidth)"
    assert any(phone.execute_script(wait) for _ in range(200))
    width = phone.execute_script("return document.documentElement.scrollWidth")
    assert width == phone.execute_script("return innerWidth") == 390
    assert phone.execute_script("return getComputedStyle(document.body).fontSize") == "16px"
    plots = phone.execute_script(
        "return [...document.images].filter(i => i.src.endsWith('.png'))"
        ".map(i => i.width / i.naturalWidth)"
    )
    dots_of_a_letter = 10 / 72 * 180
    assert len(plots) >= 7
    assert min(plots) * dots_of_a_letter > 9.5
