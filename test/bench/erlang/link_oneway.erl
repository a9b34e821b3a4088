-module(link_oneway).
-export([process/1]).
-define(BATCH, 1000).

process(Sends) ->
    Counter = link:counter(),
    Before = link:read(Counter),
    send(Counter, Sends),
    link:read(Counter) - Before.

send(_, 0) -> ok;
send(Counter, Left) ->
    [Counter ! {item, N, <<"a-thing-on-a-shelf">>} || N <- lists:seq(1, ?BATCH)],
    link:read(Counter),
    send(Counter, Left - ?BATCH).
