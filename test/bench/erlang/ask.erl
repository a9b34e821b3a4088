%% `process` is a call by hand, with a monitor, as a call needs one to notice a death.
-module(ask).
-behaviour(gen_server).
-export([process/1, gen_server/1, init/1, handle_call/3, handle_cast/2]).

process(Asks) ->
    Server = spawn_link(fun() -> server(0) end),
    Count = ask(Server, Asks, 0),
    Server ! stop,
    Count.

ask(_, 0, Last) -> Last;
ask(Server, Left, _) ->
    Ref = monitor(process, Server),
    Server ! {next, self(), Ref},
    receive
        {Ref, Number} -> demonitor(Ref, [flush]), ask(Server, Left - 1, Number);
        {'DOWN', Ref, _, _, Reason} -> exit(Reason)
    end.

server(Number) ->
    receive
        {next, From, Ref} -> From ! {Ref, Number + 1}, server(Number + 1);
        stop -> ok
    end.

gen_server(Asks) ->
    {ok, Server} = gen_server:start_link(?MODULE, 0, []),
    Count = call(Server, Asks, 0),
    gen_server:stop(Server),
    Count.

call(_, 0, Last) -> Last;
call(Server, Left, _) -> call(Server, Left - 1, gen_server:call(Server, next)).

init(Number) -> {ok, Number}.
handle_call(next, _, Number) -> {reply, Number + 1, Number + 1}.
handle_cast(_, State) -> {noreply, State}.
