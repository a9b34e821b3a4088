-module(link_ask).
-export([process/1]).
-define(BATCH, 1000).

process(Asks) -> ask(link:counter(), Asks, 0).

ask(_, 0, Answers) -> Answers;
ask(Counter, Left, Answers) ->
    Refs = [begin Ref = monitor(process, Counter), Counter ! {read, self(), Ref}, Ref end
            || _ <- lists:seq(1, ?BATCH)],
    [receive {Ref, _} -> demonitor(Ref, [flush]) end || Ref <- Refs],
    ask(Counter, Left - ?BATCH, Answers + ?BATCH).
