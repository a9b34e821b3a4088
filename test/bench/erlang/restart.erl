%% `process` is a process that spawns the next one by itself; `supervised` is OTP's supervisor with a
%% gen_server, in bursts of 100 under a fresh one, as OTP 25 walks a list of all restarts in the period.
-module(restart).
-behaviour(gen_server).
-export([process/1, supervised/1, start_child/1, init/1, handle_call/3, handle_cast/2]).

-define(BURST, 100).

process(Restarts) -> again(Restarts, 0).

again(Goal, Goal) -> Goal;
again(Goal, Count) ->
    {Pid, Monitor} = spawn_monitor(fun() -> receive crash -> exit(crash) end end),
    Pid ! crash,
    receive {'DOWN', Monitor, _, _, _} -> again(Goal, Count + 1) end.

supervised(Restarts) -> bursts(Restarts, 0).

bursts(Goal, Count) when Count >= Goal -> Count;
bursts(Goal, Count) ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, self()}),
    Restarts = burst(-1),
    unlink(Supervisor),
    Monitor = monitor(process, Supervisor),
    exit(Supervisor, shutdown),
    receive {'DOWN', Monitor, _, _, _} -> ok end,
    bursts(Goal, Count + Restarts).

%% The first one is the start of the burst.
burst(Count) ->
    receive
        {up, _} when Count + 1 =:= ?BURST -> ?BURST;
        {up, Child} -> gen_server:cast(Child, crash), burst(Count + 1)
    end.

start_child(Driver) -> gen_server:start_link(?MODULE, {child, Driver}, []).

init({supervisor, Driver}) ->
    Child = #{id => child, start => {?MODULE, start_child, [Driver]}},
    {ok, {#{intensity => ?BURST, period => 5}, [Child]}};
init({child, Driver}) ->
    Driver ! {up, self()},
    {ok, Driver}.
handle_call(_, _, State) -> {noreply, State}.
handle_cast(crash, _) -> error(crash).
