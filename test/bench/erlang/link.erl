%% Another node of Erlang distribution, in a process of its own on this machine, with a counter on it.
%% Its CPU time counts with that of this node (see bench).
-module(link).
-export([counter/0, count/1, read/1]).

%% The counter on the other node, which is started by the first round.
counter() ->
    case whereis_far() of
        undefined -> start();
        Counter -> Counter
    end.

whereis_far() ->
    case nodes() of
        [Far] -> rpc:call(Far, erlang, whereis, [counter]);
        [] -> undefined
    end.

start() ->
    os:cmd("epmd -daemon"),
    Own = list_to_atom("near" ++ os:getpid() ++ "@127.0.0.1"),
    {ok, _} = net_kernel:start(Own, #{name_domain => longnames}),
    Path = filename:dirname(code:which(?MODULE)),
    {ok, _, Far} = peer:start(#{
        name => "far" ++ os:getpid(),
        host => "127.0.0.1",
        longnames => true,
        args => ["-pa", Path, "+S", "1", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none"]
    }),
    Counter = spawn(Far, ?MODULE, count, [0]),
    true = rpc:call(Far, erlang, register, [counter, Counter]),
    Counter.

count(Total) ->
    receive
        {item, _, _} -> count(Total + 1);
        {read, From, Ref} -> From ! {Ref, Total}, count(Total)
    end.

%% A call by hand, with a monitor, as a call needs one to notice a death.
read(Counter) ->
    Ref = monitor(process, Counter),
    Counter ! {read, self(), Ref},
    receive
        {Ref, Total} -> demonitor(Ref, [flush]), Total;
        {'DOWN', Ref, _, _, Reason} -> exit(Reason)
    end.
