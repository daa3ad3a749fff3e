/** An answer of the engine, whatever its status. */
export interface Answer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface Board {
  readonly board: unknown;
  readonly window: { readonly name: string; readonly startsAt: string | null; readonly endsAt: string | null };
  readonly entries: readonly BoardEntry[];
  readonly member: BoardEntry | null;
  readonly total: number;
  readonly position: string;
}

export interface BoardEntry {
  readonly rank: number;
  readonly id: string;
  readonly name?: string | null;
  readonly score: number;
  readonly reachedAt: string;
}

/** An event as `GET /v1/events` gives it. */
export interface LogEvent {
  readonly position: string;
  readonly stream: string;
  readonly revision: number;
  readonly type: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly data: Record<string, unknown>;
}

const EVENTS_PAGE = 10_000;

/** A plain HTTP client of the engine's API, for tests: no retries, nothing hidden. */
export class ApiClient {
  constructor(readonly url: string) {}

  async get<Body = Record<string, unknown>>(path: string, headers: Record<string, string> = {}): Promise<Answer<Body>> {
    return this.#send<Body>('GET', path, headers, undefined);
  }

  async post<Body = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    return this.#send<Body>('POST', path, { ...type, ...headers }, text);
  }

  async put<Body = Record<string, unknown>>(path: string, body: unknown): Promise<Answer<Body>> {
    return this.#send<Body>('PUT', path, { 'content-type': 'application/json' }, JSON.stringify(body));
  }

  /** A command that must carry a key. */
  async keyed<Body = Record<string, unknown>>(path: string, key: string, body: unknown): Promise<Answer<Body>> {
    return this.post<Body>(path, body, { 'idempotency-key': key });
  }

  /** NDJSON in, NDJSON out. */
  async lines<Line = Record<string, unknown>>(
    path: string,
    lines: readonly unknown[],
  ): Promise<Answer<readonly Line[]>> {
    const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
    const headers = { 'content-type': 'application/x-ndjson' };
    const response = await fetch(this.url + path, { method: 'POST', headers, body: text });
    const answer = await response.text();
    const body = response.ok ? parseLines<Line>(answer) : [JSON.parse(answer) as Line];
    return { status: response.status, headers: response.headers, body };
  }

  async board(path: string): Promise<Board> {
    const { status, body } = await this.get<Board>(`/v1/leaderboards/${path}`);
    if (status !== 200) throw new Error(`board ${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** The whole log, or what comes after a position, page by page. */
  async events(options: { readonly types?: string; readonly after?: string } = {}): Promise<readonly LogEvent[]> {
    const events: LogEvent[] = [];
    const types = options.types === undefined ? '' : `&types=${options.types}`;
    for (let from = options.after; ; from = events.at(-1)!.position) {
      const after = from === undefined ? '' : `&after=${from}`;
      const response = await fetch(`${this.url}/v1/events?limit=${EVENTS_PAGE}${after}${types}`);
      if (!response.ok) throw new Error(`events: ${response.status} ${await response.text()}`);
      const page = parseLines<LogEvent>(await response.text());
      events.push(...page);
      if (page.length < EVENTS_PAGE) return events;
    }
  }

  /** Every item of a list, page by page. */
  async list<Item>(path: string, limit = 100): Promise<readonly Item[]> {
    const items: Item[] = [];
    for (let cursor = ''; ;) {
      const join = path.includes('?') ? '&' : '?';
      const { status, body } = await this.get<{ items: Item[]; nextCursor: string | null }>(
        `${path}${join}limit=${limit}${cursor}`,
      );
      if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
      items.push(...body.items);
      if (body.nextCursor === null) return items;
      cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`;
    }
  }

  async #send<Body>(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string | undefined,
  ): Promise<Answer<Body>> {
    const response = await fetch(this.url + path, { method, headers, body: body ?? null });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as Body };
  }
}

export function parseLines<Line>(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

/** Asks until the answer is as wanted, or fails with the last one after `ms`. */
export async function eventually<Value>(
  ask: () => Promise<Value>,
  wanted: (value: Value) => boolean,
  ms = 10_000,
): Promise<Value> {
  for (const end = Date.now() + ms; ;) {
    const value = await ask();
    if (wanted(value)) return value;
    if (Date.now() >= end) throw new Error(`still not so after ${ms} ms: ${JSON.stringify(value).slice(0, 1_000)}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
