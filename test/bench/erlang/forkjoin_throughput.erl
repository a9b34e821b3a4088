-module(forkjoin_throughput).
-behaviour(gen_server).
-export([process/1, gen_server/1, init/1, handle_call/3, handle_cast/2]).

-define(WORKERS, 60).
-define(MESSAGES, 100).

process(Messages) ->
    Workers = [spawn_link(fun() -> worker(0) end) || _ <- lists:seq(1, ?WORKERS)],
    Count = drive(Messages, 0, Workers, fun(Worker, Message) -> Worker ! Message end),
    [Worker ! stop || Worker <- Workers],
    Count.

drive(Goal, Count, _, _) when Count >= Goal -> Count;
drive(Goal, Count, Workers, Send) ->
    turns(?MESSAGES, Workers, Send),
    drive(Goal, Count + bench:collect(?WORKERS, 0), Workers, Send).

turns(0, _, _) -> ok;
turns(Left, Workers, Send) ->
    send_all(Workers, Send),
    turns(Left - 1, Workers, Send).

send_all([], _) -> ok;
send_all([Worker | Rest], Send) -> Send(Worker, {work, self()}), send_all(Rest, Send).

worker(Count) ->
    receive
        {work, From} when Count + 1 =:= ?MESSAGES -> From ! {done, ?MESSAGES}, worker(0);
        {work, _} -> worker(Count + 1);
        stop -> ok
    end.

gen_server(Messages) ->
    Workers = [element(2, gen_server:start_link(?MODULE, 0, [])) || _ <- lists:seq(1, ?WORKERS)],
    Count = drive(Messages, 0, Workers, fun gen_server:cast/2),
    [gen_server:stop(Worker) || Worker <- Workers],
    Count.

init(Count) -> {ok, Count}.
handle_call(_, _, State) -> {noreply, State}.

handle_cast({work, From}, Count) when Count + 1 =:= ?MESSAGES -> From ! {done, ?MESSAGES}, {noreply, 0};
handle_cast({work, _}, Count) -> {noreply, Count + 1}.
