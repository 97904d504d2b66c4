import pytest

from lambda_arch.arch import ArchitectureError, parse, read_architecture


def read(tmp_path, text):
    path = tmp_path / "my.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_architecture(path)


def test_a_file_says_all_that_a_name_can(tmp_path):
    text = """
name = "lambda_resnet50"
image_size = 256
stages = "C-C-CCLCCL-L"
k = 8
stem = "rs"
se = 0.25
content = true

[c4]
m = 7
[c4.3]
u = 4
[c5]
m = "global"
"""
    expected = "lambda_resnet50:stages=C-C-CCLCCL-L,k=8,stem=rs,se=0.25,c4.m=7,c5.m=global,c4.3.u=4@256"
    assert read(tmp_path, text) == parse(expected)


def test_an_empty_file_is_no_architecture(tmp_path):
    with pytest.raises(ArchitectureError, match="empty; expected TOML such as name"):
        read(tmp_path, "")


def test_an_option_that_changes_nothing_is_refused_as_in_a_name(tmp_path):
    with pytest.raises(ArchitectureError, match="line 2: k=8: resnet50 has no lambda layers"):
        read(tmp_path, 'name = "resnet50"\nk = 8')


def test_a_file_builds_on_a_full_name(tmp_path):
    assert read(tmp_path, 'name = "lambda_resnet101_hybrid@192"\nk = 8') == parse("lambda_resnet101_hybrid:k=8@192")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("k = 8\nkk = 9", "line 2", "did you mean k?"),
        ("k = 8\n\nh = 'four'", "line 3", "number"),
        ('k = "8"', "line 1", "expected a number"),
        ("k = 8.5", "line 1", "whole number"),
        ("k = true", "line 1", "whole number"),
        ("stem = 7", "line 1", "word"),
        ("content = 3", "line 1", "yes or no"),
        ("name = 50", "line 1", "in quotes"),
        ("name = 'lambda_resnet51'", "line 1", "lambda_resnet50"),
        ("\nimage_size = '224'", "line 2", "whole number"),
        ("\n\nimage_size = 8", "line 3", "from 32"),
        ("[c4]\nk = 4\n[c7]\nk = 4", "line 4", "c2, c3, c4 or c5"),
        ("[c4]\nk = 4\n[c4.9]\nm = 3", "line 4", "from 1 to 6"),
        ("k = 4\n[c4]\nh = 3", "line 3", "h=2"),
        ("c4.k = 0", "line 1", "from 1"),
        ("k = [1, 2]", "line 1", "whole number"),
        ("m = 8", "line 1", "m=9"),
        ("k = = 3", "line 1", "TOML"),
        ("k = ", "my.toml", "TOML"),
        (b"\xff\xfe", "my.toml", "UTF-8"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, line, says):
    with pytest.raises(ArchitectureError) as refusal:
        read(tmp_path, text)
    assert line in str(refusal.value)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)
