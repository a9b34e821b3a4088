-module(bounded_buffer).
-export([process/1]).

-define(PRODUCERS, 4).
-define(ROOM, 64).

process(Items) ->
    Driver = self(),
    Buffer = spawn_link(fun() -> buffer(queue:new(), 0, queue:new(), queue:new()) end),
    Counter = atomics:new(1, []),
    Goal = {Counter, Items, Driver},
    Consumers = [spawn_link(fun() -> consume(Buffer, 0, Goal) end) || _ <- lists:seq(1, ?PRODUCERS)],
    [spawn_link(fun() -> produce(Buffer, Items div ?PRODUCERS) end) || _ <- lists:seq(1, ?PRODUCERS)],
    Count = bench:collect(1, 0),
    [begin unlink(Pid), exit(Pid, kill) end || Pid <- [Buffer | Consumers]],
    Count.

produce(_, 0) -> ok;
produce(Buffer, Left) ->
    Buffer ! {put, self(), Left},
    receive ok -> produce(Buffer, Left - 1) end.

consume(Buffer, Sum, {Counter, Items, Driver} = Goal) ->
    Buffer ! {get, self()},
    receive
        {item, Item} ->
            case atomics:add_get(Counter, 1, 1) of
                Items -> Driver ! {done, Items};
                _ -> ok
            end,
            consume(Buffer, Sum + Item, Goal)
    end.

buffer(Items, Size, Hungry, Blocked) ->
    receive
        {put, From, Item} ->
            case queue:out(Hungry) of
                {{value, Consumer}, Rest} ->
                    Consumer ! {item, Item},
                    From ! ok,
                    buffer(Items, Size, Rest, Blocked);
                {empty, _} when Size < ?ROOM ->
                    From ! ok,
                    buffer(queue:in(Item, Items), Size + 1, Hungry, Blocked);
                {empty, _} ->
                    buffer(Items, Size, Hungry, queue:in({From, Item}, Blocked))
            end;
        {get, Consumer} ->
            case queue:out(Items) of
                {empty, _} -> buffer(Items, Size, queue:in(Consumer, Hungry), Blocked);
                {{value, Item}, Rest} ->
                    Consumer ! {item, Item},
                    case queue:out(Blocked) of
                        {empty, _} -> buffer(Rest, Size - 1, Hungry, Blocked);
                        {{value, {From, Next}}, Waiting} ->
                            From ! ok,
                            buffer(queue:in(Next, Rest), Size, Hungry, Waiting)
                    end
            end
    end.
