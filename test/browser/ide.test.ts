import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { describeWith } from '../support/optional';
import { run, type Running, TSX } from '../support/process';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const withBrowser = describeWith(existsSync(CHROMIUM));

withBrowser('the IDE at / (needs Chromium)', () => {
  let dev: Running;
  let browser: Browser;
  let page: Page;
  const elsewhere: string[] = [];
  const failures: string[] = [];

  beforeAll(async () => {
    dev = run([...TSX, 'src/dev.ts'], { PORT: '0' });
    const [, url = ''] = await dev.waitFor(/IDE +(\S+)/);
    await dev.waitFor(/Ctrl\+C/);
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-sync', '--no-first-run'],
    });
    page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== new URL(url).origin) elsewhere.push(request.url());
    });
    page.on('response', (response) => {
      if (response.status() >= 400) failures.push(`${response.status()} ${response.url()}`);
    });
    page.on('pageerror', (error) => failures.push(String(error)));
    await page.goto(url);
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    await dev.stop('SIGINT');
  });

  /** Runs what is in the tab that is open, and waits for what GenAuth answered. */
  async function send(): Promise<string> {
    await page
      .getByRole('button', { name: /send|run/i })
      .first()
      .click();
    const result = page.locator('app-query-result');
    await result.getByText('"data"').first().waitFor({ timeout: 20_000 });
    return result.innerText();
  }

  test('opens with a query and a mutation that run as they are', async () => {
    await page.getByText('Read identities').first().waitFor({ timeout: 30_000 });
    expect(await send()).toContain('"provider"');
    await page.getByText('Unlink an identity').first().click();
    expect(await send()).toContain('"success": true');
  }, 60_000);

  test('loads nothing from anywhere else, and nothing that is not there', () => {
    expect(elsewhere).toEqual([]);
    expect(failures).toEqual([]);
  });
});
