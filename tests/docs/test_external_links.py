"""Links to other sites are followed only where there is a network."""

import external_links


def test_without_a_network_nothing_is_followed_and_nothing_fails(monkeypatch, capsys):
    monkeypatch.setattr(external_links, "SITE", "http://127.0.0.1:9/")
    assert external_links.main() == 0
    assert "were not followed" in capsys.readouterr().out
