%% A supervisor's child is the cheapest that OTP calls one: `proc_lib:spawn_link`, no handshake.
-module(forkjoin_create).
-behaviour(gen_server).
-export([process/1, gen_server/1, supervised/1, start_child/0, child/0]).
-export([init/1, handle_call/3, handle_cast/2]).

-define(WAVE, 100).

process(Children) -> waves(Children, 0, fun() -> spawn(fun child/0) ! {work, self()} end).

gen_server(Children) ->
    waves(Children, 0, fun() ->
        {ok, Child} = gen_server:start(?MODULE, child, []),
        gen_server:cast(Child, {work, self()})
    end).

supervised(Children) ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, supervisor),
    Count = waves(Children, 0, fun() ->
        {ok, Child} = supervisor:start_child(Supervisor, []),
        Child ! {work, self()}
    end),
    settled(Supervisor),
    unlink(Supervisor),
    exit(Supervisor, shutdown),
    Count.

waves(Goal, Count, _) when Count >= Goal -> Count;
waves(Goal, Count, Create) ->
    create(?WAVE, Create),
    waves(Goal, Count + bench:collect(?WAVE, 0), Create).

create(0, _) -> ok;
create(Left, Create) -> Create(), create(Left - 1, Create).

settled(Supervisor) ->
    case proplists:get_value(active, supervisor:count_children(Supervisor)) of
        0 -> ok;
        _ -> settled(Supervisor)
    end.

start_child() -> {ok, proc_lib:spawn_link(?MODULE, child, [])}.
child() -> receive {work, From} -> From ! {done, 1} end.

init(supervisor) ->
    Child = #{id => child, start => {?MODULE, start_child, []}, restart => temporary},
    {ok, {#{strategy => simple_one_for_one}, [Child]}};
init(child) -> {ok, child}.
handle_call(_, _, State) -> {noreply, State}.
handle_cast({work, From}, State) -> From ! {done, 1}, {stop, normal, State}.
