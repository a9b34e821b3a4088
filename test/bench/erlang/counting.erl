-module(counting).
-behaviour(gen_server).
-export([process/1, gen_server/1, init/1, handle_call/3, handle_cast/2]).

-define(BATCH, 1000).

process(Sends) ->
    Counter = spawn_link(fun() -> counter(0) end),
    Send = fun() -> Counter ! increment end,
    Count = produce(Sends, Send, fun() -> Counter ! {read, self()} end),
    Counter ! stop,
    Count.

produce(Goal, Send, Read) ->
    batch(?BATCH, Send),
    Read(),
    receive
        {total, Total} when Total >= Goal -> Total;
        {total, _} -> produce(Goal, Send, Read)
    end.

batch(0, _) -> ok;
batch(Left, Send) -> Send(), batch(Left - 1, Send).

counter(Total) ->
    receive
        increment -> counter(Total + 1);
        {read, From} -> From ! {total, Total}, counter(Total);
        stop -> ok
    end.

gen_server(Sends) ->
    {ok, Counter} = gen_server:start_link(?MODULE, 0, []),
    Send = fun() -> gen_server:cast(Counter, increment) end,
    Count = produce(Sends, Send, fun() -> gen_server:cast(Counter, {read, self()}) end),
    gen_server:stop(Counter),
    Count.

init(Total) -> {ok, Total}.
handle_call(_, _, State) -> {noreply, State}.

handle_cast(increment, Total) -> {noreply, Total + 1};
handle_cast({read, From}, Total) -> From ! {total, Total}, {noreply, Total}.
