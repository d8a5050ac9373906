"""Script conversion: identity with the library, the corrections, findings, and telling the scripts apart."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning.findings import replay, undo
from cleaning.script import CONFIGS, Config, detect, simplify, to_simplified

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "data"
CASES = json.loads((HERE / "script_cases.json").read_text(encoding="utf-8"))
PACKAGE_CONFIGS: tuple[Config, ...] = tuple(config for config in CONFIGS if config != "hk2sp")


@cache
def library(config: str) -> opencc.OpenCC:
    return opencc.OpenCC(config)


@cache
def dictionary_words() -> list[str]:
    """Keys of the phrase dictionaries: text made of these meets every branch of the matcher."""
    folder = Path(opencc.__file__).parent / "dictionary"
    names = ("TSPhrases", "TWPhrasesRev", "TWVariantsRevPhrases", "HKVariantsRevPhrases")
    lines = [line for name in names for line in (folder / f"{name}.txt").read_text(encoding="utf-8").splitlines()]
    return [line.split("\t")[0] for line in lines if line.strip()]


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} of ../shared/data is not beside this checkout")
    return path


# --- the first layer is the library ------------------------------------------------------------------------------

mixtures = st.lists(
    st.one_of(
        st.sampled_from(dictionary_words()),
        st.sampled_from(dictionary_words()).map(lambda word: word[1:]),
        st.sampled_from(dictionary_words()).map(lambda word: word[:-1]),
        st.sampled_from(
            "隨著乾瞭藉覆鍾於徵為裡面後後余餘的一是、。， \n\N{IDEOGRAPHIC SPACE}\N{NO-BREAK SPACE}a1"
        ),
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF),
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize("config", PACKAGE_CONFIGS)
@given(text=mixtures)
@settings(max_examples=150, deadline=None)
def test_without_corrections_it_is_the_library(config: Config, text: str) -> None:
    assert to_simplified(text, config, corrections=False) == library(config).convert(text)


@pytest.mark.parametrize("config", PACKAGE_CONFIGS)
@given(text=st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_text_is_converted_as_the_library_does(config: Config, text: str) -> None:
    assert to_simplified(text, config, corrections=False) == library(config).convert(text)


@pytest.mark.parametrize("config", PACKAGE_CONFIGS)
def test_every_dictionary_entry_converts_as_in_the_library(config: Config) -> None:
    text = "\n".join(dictionary_words())
    assert to_simplified(text, config, corrections=False) == "\n".join(
        library(config).convert(word) for word in dictionary_words()
    )


@pytest.mark.parametrize("config", PACKAGE_CONFIGS)
def test_opencc_inputs_convert_as_in_the_library(config: Config) -> None:
    for case in json.loads(shared("opencc/to_simplified.json").read_text(encoding="utf-8")):
        assert to_simplified(case["input"], config, corrections=False) == library(config).convert(case["input"])


def test_opencc_expectations_met_only_grow() -> None:
    cases = json.loads(shared("opencc/to_simplified.json").read_text(encoding="utf-8"))
    met = sum(to_simplified(case["input"], case["config"]) == case["expected"] for case in cases)
    assert met >= 63  # of 88; the library alone meets 43, what is left is vocabulary of Taiwan and Hong Kong


def test_statutes_in_traditional_form_come_back_unchanged() -> None:
    for path in sorted(shared("statutes").glob("*.txt"))[::9]:
        clean = path.read_text(encoding="utf-8")[:2500]
        traditional = library("s2t").convert(clean)
        assert to_simplified(traditional, corrections=False) == library("t2s").convert(traditional)
        assert to_simplified(traditional) == clean


def test_clean_simplified_text_is_returned_as_it_is() -> None:
    for path in sorted(shared("statutes").glob("*.txt")):
        clean = path.read_text(encoding="utf-8")
        assert to_simplified(clean) is clean
        assert simplify(clean).findings == ()
        assert detect(clean) == "hans"


def test_seeds_leave_no_particle_unconverted() -> None:
    for path in sorted(shared("../seeds").glob("*.txt")):
        assert "著" not in to_simplified(path.read_text(encoding="utf-8"))


def test_hk2sp_is_composed_of_hong_kong_forms_and_words() -> None:
    assert to_simplified("滑鼠 硬碟 裏面", "hk2sp") == "鼠标 硬盘 里面"


def test_unknown_config_is_refused() -> None:
    with pytest.raises(ValueError, match="use one of t2s"):
        to_simplified("逾期", "s2t")  # type: ignore[arg-type]


# --- the second layer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=[case["label"] for case in CASES])
def test_correction(case: dict[str, str]) -> None:
    assert to_simplified(case["in"]) == case["out"]


@pytest.mark.parametrize("case", [case for case in CASES if "rule" in case], ids=lambda case: case["label"])
def test_correction_is_one_and_the_library_lacks_it(case: dict[str, str]) -> None:
    assert library("t2s").convert(case["in"]) != case["out"]


def test_a_correction_names_its_rule() -> None:
    findings = simplify("隨著壹個").findings
    assert [(finding.before, finding.rule) for finding in findings] == [
        ("隨", "script.t2s"),
        ("著", "script.particle"),
        ("壹", "script.numeral"),
        ("個", "script.t2s"),
    ]


# --- findings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", CONFIGS)
@given(text=mixtures)
@settings(max_examples=100, deadline=None)
def test_findings_replay_and_undo(config: Config, text: str) -> None:
    edited = simplify(text, config)
    assert edited.text == to_simplified(text, config)
    assert replay(text, edited.findings) == edited.text
    assert undo(edited.text, edited.findings) == text
    assert all(finding.stage == "script" and finding.certainty == "rule" for finding in edited.findings)
    assert edited.text.count("\n") == text.count("\n")


def test_a_run_of_changed_characters_is_one_finding() -> None:
    findings = simplify("還款與應對。").findings
    assert [(finding.start, finding.end, finding.after) for finding in findings] == [
        (0, 1, "还"),
        (2, 5, "与应对"),
    ]


def test_a_phrase_of_another_length_is_one_finding() -> None:
    (network,) = simplify("網際網路", "tw2sp").findings
    assert (network.before, network.after, network.rule) == ("網際網路", "互联网", "script.tw2sp")


def test_lone_surrogates_and_private_use_pass() -> None:
    text = "還\ud800款\U0010ff95\ue491"
    assert simplify(text).text == "还\ud800款\U0010ff95\ue491"


# --- which script ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("", "hans"),
        ("overdue loan, 12%", "hans"),
        ("你好", "hans"),
        ("逾期还款会影响个人征信", "hans"),
        ("逾期還款會影響個人徵信", "hant"),
        ("隨著互聯網的發展，逾期還款會影響個人徵信，催收電話，背后", "hant"),
        ("隨著互聯網的發展，许多人逾期还款", "mixed"),
        ("乾隆年间的名著", "hans"),
    ],
)
def test_detect(text: str, script: str) -> None:
    assert detect(text) == script


def test_a_name_in_the_other_script_does_not_make_a_text_mixed() -> None:
    page = "借款人逾期还款会影响个人征信记录，贷款机构应当按照规定处理，不得骚扰无关的联系人。"
    assert detect(page + "張先生說") == "hans"
