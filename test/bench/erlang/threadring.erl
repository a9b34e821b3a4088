-module(threadring).
-behaviour(gen_server).
-export([process/1, gen_server/1, init/1, handle_call/3, handle_cast/2]).

-define(CROWD, 100).

process(Hops) ->
    Driver = self(),
    [First | _] = Nodes = [spawn_link(fun() -> node(undefined, Driver) end) || _ <- lists:seq(1, ?CROWD)],
    link_all(Nodes, First, fun(Node, Message) -> Node ! Message end),
    First ! {token, 1, Hops},
    Count = bench:collect(1, 0),
    [Node ! stop || Node <- Nodes],
    Count.

link_all([Last], First, Send) -> Send(Last, {link, First});
link_all([Node, Next | Rest], First, Send) ->
    Send(Node, {link, Next}),
    link_all([Next | Rest], First, Send).

node(Next, Driver) ->
    receive
        {token, Hops, Hops} -> Driver ! {done, Hops}, node(Next, Driver);
        {token, Hop, Hops} -> Next ! {token, Hop + 1, Hops}, node(Next, Driver);
        {link, To} -> node(To, Driver);
        stop -> ok
    end.

gen_server(Hops) ->
    Nodes = [element(2, gen_server:start_link(?MODULE, self(), [])) || _ <- lists:seq(1, ?CROWD)],
    [First | _] = Nodes,
    link_all(Nodes, First, fun gen_server:cast/2),
    gen_server:cast(First, {token, 1, Hops}),
    Count = bench:collect(1, 0),
    [gen_server:stop(Node) || Node <- Nodes],
    Count.

init(Driver) -> {ok, {undefined, Driver}}.
handle_call(_, _, State) -> {noreply, State}.

handle_cast({token, Hops, Hops}, {_, Driver} = State) ->
    Driver ! {done, Hops},
    {noreply, State};
handle_cast({token, Hop, Hops}, {Next, _} = State) ->
    gen_server:cast(Next, {token, Hop + 1, Hops}),
    {noreply, State};
handle_cast({link, To}, {_, Driver}) ->
    {noreply, {To, Driver}}.
