/** Which methods each address has: what turns a 404 into a 405 with its `Allow`. */
export class RouteTable {
  readonly #routes: { readonly url: string; readonly pattern: RegExp; readonly methods: Set<string> }[] = [];

  add(methods: string | readonly string[], url: string): void {
    if (url === '*' || url === '/*') return;
    const known = this.#routes.find((route) => route.url === url);
    const route = known ?? { url, pattern: patternOf(url), methods: new Set<string>() };
    for (const method of [methods].flat()) route.methods.add(method);
    if (known === undefined) this.#routes.push(route);
  }

  /**
   * Methods that `path` (without its query) is there for; empty: there is no such address. An address that is written out
   * is no other one's parameter: `gifts/bulk` is no gift.
   */
  methodsOf(path: string): readonly string[] {
    const written = this.#routes.find(({ url }) => url === path);
    if (written !== undefined) return [...written.methods].sort();
    const methods = this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap((route) => [...route.methods]);
    return [...new Set(methods)].sort();
  }

  get urls(): readonly { readonly url: string; readonly methods: readonly string[] }[] {
    return this.#routes.map(({ url, methods }) => ({ url, methods: [...methods] }));
  }
}

function patternOf(url: string): RegExp {
  const escaped = url.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/:\w+/g, '[^/]+')}$`);
}
