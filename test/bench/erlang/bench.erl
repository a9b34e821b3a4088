%% Reads `round N` from standard input, runs the workload of this node's arguments, and writes
%% `COUNT VALUE CPU_MS WALL_US`. The value is of interest for memory and delay alone.
-module(bench).
-export([main/1, collect/2]).

main([Workload, Variant]) ->
    logger:set_primary_config(level, none),
    loop(Workload, Variant).

loop(Workload, Variant) ->
    case io:get_line("") of
        eof -> stop();
        Line ->
            ["round", Number] = string:tokens(string:trim(Line), " "),
            N = list_to_integer(Number),
            Cpu = cpu(),
            Start = erlang:monotonic_time(microsecond),
            {Count, Value} = run(Workload, Variant, N),
            Wall = erlang:monotonic_time(microsecond) - Start,
            io:format("~p ~p ~p ~p~n", [Count, Value, cpu() - Cpu, Wall]),
            loop(Workload, Variant)
    end.

%% Milliseconds of CPU time of this node and of those that it is linked with.
cpu() ->
    lists:sum([
        element(1, rpc:call(Node, erlang, statistics, [runtime]))
     || Node <- [node() | nodes()]
    ]).

%% The other nodes end with this one.
stop() ->
    [rpc:call(Node, erlang, halt, []) || Node <- nodes()],
    halt(0).

%% A fresh process runs each round, so that its heap is not the former one's.
run(Workload, Variant, N) ->
    Self = self(),
    {_, Monitor} = spawn_monitor(fun() -> Self ! {result, Workload:Variant(N)} end),
    receive
        {result, Result} ->
            erlang:demonitor(Monitor, [flush]),
            case Result of
                {_, _} -> Result;
                Count -> {Count, 0}
            end;
        {'DOWN', Monitor, _, _, Reason} ->
            io:format(standard_error, "~p:~p: ~p~n", [Workload, Variant, Reason]),
            halt(1)
    end.

%% Adds up so many `{done, Count}`.
collect(0, Sum) -> Sum;
collect(Left, Sum) -> receive {done, Count} -> collect(Left - 1, Sum + Count) end.
