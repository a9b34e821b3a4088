-module(idle_memory).
-behaviour(gen_server).
-export([process/1, gen_server/1, init/1, handle_call/3, handle_cast/2]).

process(Agents) ->
    fill(Agents, fun() -> spawn(fun() -> counter(0) end) end, fun(Pid) -> Pid ! {add, self()} end).

gen_server(Agents) ->
    fill(Agents, fun() -> {ok, Pid} = gen_server:start(?MODULE, 0, []), Pid end,
        fun(Pid) -> gen_server:cast(Pid, {add, self()}) end).

%% The table of processes is as large as it ever will be from the start; it is not counted.
fill(Agents, Start, Add) ->
    Before = memory(),
    Pids = start(Agents, Start, []),
    [Add(Pid) || Pid <- Pids],
    Count = bench:collect(Agents, 0),
    Bytes = (memory() - Before) / Agents,
    [exit(Pid, kill) || Pid <- Pids],
    {Count, Bytes}.

start(0, _, Pids) -> Pids;
start(Left, Start, Pids) -> start(Left - 1, Start, [Start() | Pids]).

memory() ->
    garbage_collect(),
    erlang:memory(total).

counter(Sum) -> receive {add, From} -> From ! {done, 1}, counter(Sum + 1) end.

init(Sum) -> {ok, Sum}.
handle_call(_, _, State) -> {noreply, State}.
handle_cast({add, From}, Sum) -> From ! {done, 1}, {noreply, Sum + 1}.
