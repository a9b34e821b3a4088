-module(pingpong).
-behaviour(gen_server).
-export([process/1, gen_server/1, init/1, handle_call/3, handle_cast/2]).

process(Rounds) ->
    Pong = spawn_link(fun pong/0),
    Self = self(),
    spawn_link(fun() -> ping(Pong, 1, Rounds, Self) end),
    Count = bench:collect(1, 0),
    Pong ! stop,
    Count.

ping(Pong, Number, Rounds, Driver) ->
    Pong ! {ping, self(), Number},
    receive
        {pong, Rounds} -> Driver ! {done, Rounds};
        {pong, Number} -> ping(Pong, Number + 1, Rounds, Driver)
    end.

pong() ->
    receive
        {ping, From, Number} -> From ! {pong, Number}, pong();
        stop -> ok
    end.

gen_server(Rounds) ->
    {ok, Pong} = gen_server:start_link(?MODULE, pong, []),
    {ok, Ping} = gen_server:start_link(?MODULE, {Pong, Rounds, self()}, []),
    gen_server:cast(Ping, {pong, 0}),
    Count = bench:collect(1, 0),
    gen_server:stop(Ping),
    gen_server:stop(Pong),
    Count.

init(State) -> {ok, State}.
handle_call(_, _, State) -> {noreply, State}.

handle_cast({ping, From, Number}, State) ->
    gen_server:cast(From, {pong, Number}),
    {noreply, State};
handle_cast({pong, Rounds}, {_, Rounds, Driver} = State) ->
    Driver ! {done, Rounds},
    {noreply, State};
handle_cast({pong, Number}, {Pong, _, _} = State) ->
    gen_server:cast(Pong, {ping, self(), Number + 1}),
    {noreply, State}.
