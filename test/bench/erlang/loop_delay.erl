%% Two processes that hand a token on for ever, and timers of 1 ms: how late is the 99th percentile?
-module(loop_delay).
-export([process/1]).

-define(TIMERS, 500).

process(Rounds) ->
    A = spawn_link(fun hop/0),
    B = spawn_link(fun hop/0),
    A ! {token, B},
    Late = lists:sort([late() || _ <- lists:seq(1, ?TIMERS)]),
    [begin unlink(Pid), exit(Pid, kill) end || Pid <- [A, B]],
    {Rounds, lists:nth(?TIMERS * 99 div 100, Late) / 1000}.

hop() -> receive {token, To} -> To ! {token, self()}, hop() end.

late() ->
    Due = erlang:monotonic_time(microsecond) + 1000,
    erlang:start_timer(1, self(), late),
    receive {timeout, _, late} -> max(0, erlang:monotonic_time(microsecond) - Due) end.
