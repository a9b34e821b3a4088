-module(big).
-behaviour(gen_server).
-export([process/1, gen_server/1, init/1, handle_call/3, handle_cast/2]).

-define(CROWD, 100).

process(Operations) ->
    Driver = self(),
    Workers = [spawn_link(fun() -> worker(Seed, {}, 0, 0, Driver) end) || Seed <- lists:seq(1, ?CROWD)],
    run(Operations, Workers, fun(Worker, Message) -> Worker ! Message end, fun(Worker) -> Worker ! stop end).

run(Operations, Workers, Send, Stop) ->
    All = list_to_tuple(Workers),
    [Send(Worker, {start, All, Operations div ?CROWD}) || Worker <- Workers],
    Count = bench:collect(?CROWD, 0),
    [Stop(Worker) || Worker <- Workers],
    Count.

next(Seed) -> (Seed * 1103515245 + 12345) band 16#7fffffff.
peer(Seed, All) -> element(Seed rem ?CROWD + 1, All).

worker(Seed, All, Pings, Pongs, Driver) ->
    receive
        {ping, From} -> From ! pong, worker(Seed, All, Pings, Pongs, Driver);
        pong when Pongs + 1 < Pings ->
            Next = next(Seed),
            peer(Next, All) ! {ping, self()},
            worker(Next, All, Pings, Pongs + 1, Driver);
        pong -> Driver ! {done, Pongs + 1}, worker(Seed, All, Pings, 0, Driver);
        {start, Workers, Quota} ->
            Next = next(Seed),
            peer(Next, Workers) ! {ping, self()},
            worker(Next, Workers, Quota, 0, Driver);
        stop -> ok
    end.

gen_server(Operations) ->
    Workers = [element(2, gen_server:start_link(?MODULE, {Seed, {}, 0, 0, self()}, [])) || Seed <- lists:seq(1, ?CROWD)],
    run(Operations, Workers, fun gen_server:cast/2, fun gen_server:stop/1).

init(State) -> {ok, State}.
handle_call(_, _, State) -> {noreply, State}.

handle_cast({ping, From}, State) -> gen_server:cast(From, pong), {noreply, State};
handle_cast(pong, {Seed, All, Pings, Pongs, Driver}) when Pongs + 1 < Pings ->
    Next = next(Seed),
    gen_server:cast(peer(Next, All), {ping, self()}),
    {noreply, {Next, All, Pings, Pongs + 1, Driver}};
handle_cast(pong, {_, _, _, Pongs, Driver} = State) -> Driver ! {done, Pongs + 1}, {noreply, State};
handle_cast({start, All, Quota}, {Seed, _, _, _, Driver}) ->
    Next = next(Seed),
    gen_server:cast(peer(Next, All), {ping, self()}),
    {noreply, {Next, All, Quota, 0, Driver}}.
