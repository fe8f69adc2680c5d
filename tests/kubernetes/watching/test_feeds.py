"""What is watched for a scope."""

from wva.kubernetes.scope import Scope
from wva.kubernetes.watching.feeds import feeds
from wva.kubernetes.watching.kinds import Kind


def test_a_whole_cluster_is_watched_with_all_its_kinds() -> None:
    found = feeds(Scope("wva"))
    assert {each.kind for each in found} == set(Kind)
    assert all(each.namespace is None for each in found)
    assert len({str(each) for each in found}) == len(found)


def test_one_namespace_is_watched_with_the_global_settings_and_nothing_else() -> None:
    found = feeds(Scope("wva", only_namespace="team"))
    elsewhere = {(each.kind, each.namespace) for each in found if each.namespace != "team"}
    assert elsewhere == {(Kind.NODE, None), (Kind.CONFIG_MAP, "wva")}
    assert Kind.NAMESPACE not in {each.kind for each in found}
    assert len(feeds(Scope("team", only_namespace="team"))) == len(found) - 2


def test_config_maps_are_asked_for_by_name_alone() -> None:
    for each in feeds(Scope("wva")):
        assert (each.fields is not None) is (each.kind is Kind.CONFIG_MAP)


def test_only_selected_nodes_are_asked_for() -> None:
    found = {each.kind: each.labels for each in feeds(Scope("wva", nodes="gpu=yes"))}
    assert {kind for kind, labels in found.items() if labels is not None} == {Kind.NODE}
    assert found[Kind.NODE] == "gpu=yes"
