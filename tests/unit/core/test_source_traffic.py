from smart_api_integrations.core.source_traffic import SourceTraffic


def test_totals_are_the_sums_of_the_slices():
    traffic = SourceTraffic(accepted=(1, 0, 2), rejected=(4, 0, 0))

    assert (traffic.total_accepted, traffic.total_rejected) == (3, 4)
