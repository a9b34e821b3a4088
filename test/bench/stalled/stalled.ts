/** What both ends of the measurement share. */
export interface Item {
  readonly type: 'item';
  readonly n: number;
  readonly text: string;
}

export const SECRET = 'the secret of a benchmark';
