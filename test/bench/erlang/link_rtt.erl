-module(link_rtt).
-export([process/1]).

process(Asks) -> ask(link:counter(), Asks, 0).

ask(_, 0, Answers) -> Answers;
ask(Counter, Left, Answers) ->
    link:read(Counter),
    ask(Counter, Left - 1, Answers + 1).
