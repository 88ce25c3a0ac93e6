"""Words of the engine's own, which are no host, user or secret even where somebody is called so (engine-semantics §7, §8, §10)."""

from __future__ import annotations

ENGINE_WORDS = frozenset(
    """
    action address admin advance again agent agents all and api archive authorization backup business cancel cancelled check checker client
    cluster code common config connect connection continue continuing coordinate copy create credential dag data database default delete
    deploy directory end error execute executor failed finish finished flag follower for from generic genericid get health http https info
    install instance interrupted invalid join local localhost log login main maintenance maintainer master message minor modify name node
    notification null obcluster obproxy obshell observer oceanbase operator parameter pass password path pending pool post prepare
    ready remote request resource restart restore result retry rolling rollback root run running scale secret send server service
    session set single sleep sql stage start started state stop sub success successfully succeed sync sys system table task tenant
    test timeout token try type unexpected unit update upgrade uri url user username version wait waiting warn watch whitelist with
    work worker zone
    """.split()  # noqa: SIM905 - two hundred words read better without quotes
)
