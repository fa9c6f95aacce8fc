import axe, { type AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

export const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-lcd-text',
      '--disable-background-networking',
      '--disable-sync',
      '--no-first-run',
    ],
  });
}

/** Opens pages, each in a browser profile of its own, and collects what goes wrong in them. */
export class WatchedPages {
  readonly #browser: Browser;
  readonly #origin: string;
  readonly #pages: Page[] = [];
  readonly #problems: string[] = [];

  constructor(browser: Browser, origin: string) {
    this.#browser = browser;
    this.#origin = origin;
  }

  /** Opens a page without animations, so that no test depends on their time. */
  async open(url: string, options: BrowserContextOptions): Promise<Page> {
    const context = await this.#browser.newContext({ reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    this.#pages.push(page);
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== 'data:' && origin !== this.#origin) this.#problems.push(`request to ${origin}`);
    });
    page.on('console', (message) => {
      if (message.type() !== 'log') this.#problems.push(`${message.type()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.#problems.push(String(error)));
    await page.goto(url);
    return page;
  }

  /**
   * Returns the warnings and errors in consoles, the uncaught errors and the requests to other origins since the last call.
   */
  takeProblems(): string[] {
    return this.#problems.splice(0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#pages.splice(0).map((page) => page.context().close()));
  }
}

export function expectNone(problems: readonly string[]): void {
  expect(problems).toEqual([]);
}

/** Checks that a page has no violation of axe-core's rules, and does not scroll horizontally. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page
    .evaluate<AxeResults>('axe.run()')
    .then((results) => results.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]));
  expect(violations).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
}
