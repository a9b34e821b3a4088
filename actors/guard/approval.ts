/**
 * An approval: the agent that puts one escalated action before an approver, until there is an
 * answer, the time is over, or the approver is gone. Silence is no consent.
 */
import {
  AskTimeout,
  fromHandler,
  type AgentName,
  type Ref,
  type ReplyTo,
} from '../../runtime/index.ts';
import type { Decision, Principal } from './policy.ts';

/** What an approver is asked. The same action of the same principal is asked once while it is open. */
export interface ApprovalRequest {
  readonly type: 'approve';
  readonly action: string;
  readonly args: unknown;
  readonly principal: Principal;
  /** Why the policy wants a second opinion. */
  readonly decision: Decision;
  /** Whether it was approved before and something that the approval was bound to has changed since. */
  readonly hasChanged: boolean;
  /** The clock's wall time at which it expires, in milliseconds. */
  readonly expiresAtMs: number;
  readonly replyTo: ReplyTo<Approval>;
}

/** An approver's answer; a rejection says why, for whoever asked. */
export interface Approval {
  readonly type: 'approval';
  readonly isApproved: boolean;
  /** Who decided. */
  readonly by: string;
  readonly reason: string;
}

/** What approvers accept: an agent, a person's queue, a test's probe. */
export type Approver = Ref<ApprovalRequest> | AgentName<Ref<ApprovalRequest>>;

/** How an approval ended. */
export type ApprovalOutcome =
  | { readonly ended: 'answered'; readonly approval: Approval }
  | { readonly ended: 'expired' | 'unavailable'; readonly reason: string };

/** What an approval is spawned with. */
export interface ApprovalInput {
  readonly approver: Approver;
  readonly question: Omit<ApprovalRequest, 'replyTo'>;
  readonly timeoutMs: number;
}

/** The logic of one approval; its output is an {@link ApprovalOutcome}. */
export const approval = fromHandler({
  initial: (input: ApprovalInput) => input,
  *afterStart({ approver, question, timeoutMs }, ctx) {
    try {
      const answer = yield* ctx.ask(approver, question, { timeoutMs });
      ctx.stop({ ended: 'answered', approval: answer } satisfies ApprovalOutcome);
    } catch (error) {
      const ended = error instanceof AskTimeout ? 'expired' : 'unavailable';
      ctx.stop({ ended, reason: String(error) } satisfies ApprovalOutcome);
    }
  },
  receive: () => undefined,
});
