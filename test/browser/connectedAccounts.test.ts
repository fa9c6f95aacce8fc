import { existsSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import {
  account,
  accounts,
  countUnlinks,
  dialog,
  disconnect,
  disconnectButton,
  expectPlain,
  expectResult,
  focused,
  result,
  rewriteResponses,
  saveScreenshot,
} from '../support/accountsPage';
import { type Example, startExample } from '../support/example';
import { describeWith } from '../support/optional';
import { CHROMIUM, expectAccessible, expectNone, launchChromium, WatchedPages } from '../support/pages';

const ZHANG_SAN = '6229ffa1c05e6bfcade3e3d1';
const ADA = '6229ffa1c05e6bfcade3e3d2';
const LINUS = '6229ffa1c05e6bfcade3e3d8';

jest.setTimeout(60_000);

describeWith(existsSync(CHROMIUM))('the page of connected accounts (needs Chromium)', () => {
  let example: Example;
  let browser: Browser;
  let pages: WatchedPages;

  beforeAll(async () => {
    [example, browser] = await Promise.all([startExample(), launchChromium()]);
    pages = new WatchedPages(browser, new URL(example.pageUrl).origin);
  });
  afterEach(async () => {
    await Promise.all([example.setFaults(), pages.close()]);
    expectNone(pages.takeProblems());
  });
  afterAll(async () => {
    await browser.close();
    await example.stop('SIGINT');
  });

  async function open(link: string, options: BrowserContextOptions = {}): Promise<Page> {
    return pages.open(link, { viewport: { width: 720, height: 560 }, ...options });
  }

  async function openFor(person: string, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await open(example.linkOf(person), options);
    await page.getByRole('list', { name: 'Connected accounts' }).waitFor();
    return page;
  }

  test('shows one account per source with all its labels, and removes the token from the address bar', async () => {
    const page = await openFor('张三');
    expect(await page.getByText('Signed in as').innerText()).toBe('Signed in as 张三');
    expect(await accounts(page).count()).toBe(2);
    expect(await account(page, '微信').innerText()).toContain('三儿');
    expect(await account(page, 'GitHub').innerText()).toContain('zhangsan');
    expect(page.url()).toBe(example.pageUrl);
    expect(await page.getByRole('list', { name: 'You can also connect' }).innerText()).toContain('Google');
    await page.reload();
    await account(page, 'GitHub').waitFor();
    await expectPlain(page);
    await saveScreenshot(page, 'page');
  });

  test('shows an account of a deleted source, and says so where nothing is connected', async () => {
    const page = await openFor('Olga');
    expect(await account(page, 'saml').count()).toBe(1);
    await page.goto(example.linkOf('Operator'));
    await page.getByText('No account is connected').waitFor();
  });

  test('removes an account at once, and says that it is disconnected when that is confirmed', async () => {
    const page = await openFor('Ada');
    const unlinks = countUnlinks(page);
    await example.setFaults({ 'unlink-identity': { fault: 'latency:1000', userId: ADA } });
    await disconnectButton(page, 'Google').click();
    await dialog(page).getByRole('button', { name: 'Disconnect Google' }).dblclick();
    await result(page).getByText('Disconnecting Google').waitFor();
    expect(await account(page, 'Google').count()).toBe(0);
    await expectResult(page, 'Google', /disconnected/);
    expect(await page.getByRole('list', { name: 'You can also connect' }).innerText()).toContain('Google');
    expect(unlinks()).toBe(1);
  });

  test('shows the account again, with its focus, if GenAuth refuses', async () => {
    const page = await openFor('Linus');
    await example.setFaults({ 'unlink-identity': { fault: 'envelope-403', userId: LINUS } });
    await disconnect(page, 'GitHub');
    await expectResult(page, 'GitHub', /refused/);
    await account(page, 'GitHub').waitFor();
    expect(await focused(page)).toBe('Disconnect GitHub');
    await saveScreenshot(page, 'refused');
  });

  test('counts down to the time at which trying again can help', async () => {
    const page = await openFor('Linus');
    await example.setFaults({ 'unlink-identity': { fault: 'http-429:4', userId: LINUS } });
    await disconnect(page, 'GitHub');
    await expectResult(page, 'GitHub', /again in [34] s/);
    await saveScreenshot(page, 'again');
    await expectResult(page, 'GitHub', /again in [12] s/);
    await expectResult(page, 'GitHub', /again now/);
    expect(await account(page, 'GitHub').count()).toBe(1);
  });

  test('shows no time that is further away than a day', async () => {
    const page = await openFor('Linus');
    const extensions = { code: 'UPSTREAM_RATE_LIMITED', outcome: 'NOT_EXECUTED', retryAfterMs: 1e16 };
    const json = { data: { unlinkIdentity: null }, errors: [{ message: '', path: ['unlinkIdentity'], extensions }] };
    await page.route('**/graphql', (route) => route.fulfill({ json }));
    await disconnect(page, 'GitHub');
    await expectResult(page, 'GitHub', /again in 86400 s \(24 hours\)/);
  });

  test('says which account is the last way to sign in, before and after an attempt', async () => {
    const page = await openFor('Noor');
    const button = page.getByRole('button', { name: 'Disconnect GitHub', disabled: true });
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Disconnect GitHub');
    const description = await button.getAttribute('aria-describedby');
    expect(await page.locator(`[id="${description}"]`).innerText()).toContain('last way to sign in');
    await page.keyboard.press('Enter');
    expect(await dialog(page).count()).toBe(0);
    await saveScreenshot(page, 'last-way-to-sign-in');

    // A page that is out of date still offers what another tab has made impossible.
    await rewriteResponses(page, { '"LAST_IDENTITY"': 'null' });
    await page.reload();
    await account(page, 'GitHub').waitFor();
    await page.unroute('**/graphql');
    await disconnect(page, 'GitHub');
    await expectResult(page, 'GitHub', /last way to sign in/);
    await button.waitFor();
    await saveScreenshot(page, 'last-way-refused');
  });

  test('settles an unknown outcome by reads', async () => {
    const [late, never] = await Promise.all([openFor('张三'), openFor('Linus')]);
    await example.setFaults({
      'unlink-identity': [
        { fault: 'execute-late:5000', userId: ZHANG_SAN },
        { fault: 'reset-before-execute', userId: LINUS },
      ],
    });
    await Promise.all([disconnect(late, 'GitHub'), disconnect(never, 'Azure AD')]);
    await Promise.all([expectResult(late, 'GitHub', /checking/), expectResult(never, 'Azure AD', /checking/)]);
    await saveScreenshot(never, 'checking');
    await Promise.all([
      expectResult(late, 'GitHub', /is disconnected/),
      expectResult(never, 'Azure AD', /still connected/),
    ]);
    expect([await account(late, 'GitHub').count(), await account(never, 'Azure AD').count()]).toEqual([0, 1]);
    expect(await focused(late)).toBe('Connected accounts');
    await saveScreenshot(never, 'still-connected');
  });

  test('offers another check if neither the response nor a read arrives', async () => {
    const page = await openFor('Ada');
    await page.clock.install();
    await page.route('**/graphql', async (route) => {
      // The unlink is executed, and its response is lost.
      if (route.request().postData()?.includes('mutation') === true) await route.fetch();
      await route.abort('internetdisconnected');
    });
    await disconnect(page, 'GitHub');
    await expectResult(page, 'GitHub', /checking/);
    for (let reads = 0; reads < 2; reads += 1) {
      await Promise.all([page.waitForEvent('requestfailed'), page.clock.fastForward(3_000)]);
    }
    await expectResult(page, 'GitHub', /not known/);
    expect(await account(page, 'GitHub').count()).toBe(1);
    await saveScreenshot(page, 'unknown');
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Check again' }).press('Enter');
    await page.clock.fastForward(3_000);
    await expectResult(page, 'GitHub', /is disconnected/);
    expect(await focused(page)).toBe('Connected accounts');
    expect(pages.takeProblems()).toEqual(
      Array(3).fill('error: Failed to load resource: net::ERR_INTERNET_DISCONNECTED'),
    );
  });

  test('needs no mouse, sends nothing unless it is confirmed, and never loses the focus', async () => {
    const page = await openFor('Linus', { viewport: { width: 560, height: 480 } });
    const unlinks = countUnlinks(page);
    for (const key of ['Tab', 'Tab', 'Enter']) await page.keyboard.press(key);
    await dialog(page).waitFor();
    expect(await dialog(page).innerText()).toMatch(/Disconnect Azure AD\?\s+You will no longer be able to sign in/);
    expect(await focused(page)).toBe('Cancel');
    await saveScreenshot(page, 'confirm');
    for (const key of ['Escape', 'Enter']) {
      await page.keyboard.press(key);
      await dialog(page).waitFor({ state: 'detached' });
      expect(await focused(page)).toBe('Disconnect Azure AD');
      await page.keyboard.press('Enter');
      await dialog(page).waitFor();
    }
    // A key that is pressed before the browser has reported the end of the dialog.
    await page.evaluate("document.querySelector('dialog').close(); document.activeElement.click()");
    await dialog(page).waitFor();
    expect(unlinks()).toBe(0);
    for (const key of ['Tab', 'Enter']) await page.keyboard.press(key);
    await expectResult(page, 'Azure AD', /is disconnected/);
    expect([unlinks(), await focused(page)]).toEqual([1, 'Connected accounts']);
  });

  test('shows what is connected if another tab was faster', async () => {
    const [first, second] = [await openFor('Linus'), await openFor('Linus')];
    await disconnect(first, 'GitHub');
    await expectResult(first, 'GitHub', /is disconnected/);
    await saveScreenshot(first, 'disconnected');
    await disconnect(second, 'GitHub');
    await expectResult(second, 'GitHub', /is disconnected|refused/);
    await account(second, 'GitHub').waitFor({ state: 'detached' });
  });

  test('shows the name, and that the accounts are missing, while GenAuth is down', async () => {
    await example.setFaults({ '*': { fault: 'http-503', userId: ZHANG_SAN } });
    const page = await open(example.linkOf('张三'));
    await page.getByRole('alert').filter({ hasText: 'accounts cannot be shown' }).waitFor();
    expect(await page.getByText('Signed in as').innerText()).toBe('Signed in as 张三');
    expect(await page.getByText('No account is connected').count()).toBe(0);
    await expectPlain(page);
    await saveScreenshot(page, 'outage');
    await expectAccessible(page);
    await example.setFaults();
    await page.getByRole('button', { name: 'Try again' }).press('Enter');
    await account(page, '微信').waitFor();
  });

  test('sets one fault of the emulator at a time', async () => {
    const page = await openFor('张三');
    const box = page.getByLabel('Simulate');
    const set = async (): Promise<number> =>
      Object.keys((await (await fetch(`${example.emulatorUrl}/emulator/faults`)).json()) as object).length;
    const faults = await box.getByRole('option').count();
    for (let index = faults - 1; index >= 0; index -= 1) {
      const read = page.waitForResponse((response) => response.url().endsWith('/graphql'));
      await box.selectOption({ index });
      await read;
      expect([index, await set()]).toEqual([index, index === 0 ? 0 : 1]);
    }
  });

  test('asks people to sign in without a valid token', async () => {
    const page = await open(example.pageUrl);
    await result(page).filter({ hasText: 'Please sign in.' }).waitFor();
    await page.goto(example.expiredLink('张三'));
    await result(page).filter({ hasText: 'Please sign in again' }).waitFor();
    await page.goto(`${example.pageUrl}#token=%C3%A9`);
    await page.reload();
    await result(page).filter({ hasText: 'Please sign in.' }).waitFor();
    await expectPlain(page);
    await expectAccessible(page);
  });

  test('takes the token of a link that is opened while the page starts', async () => {
    const page = await open('about:blank');
    const [url = '', hash = ''] = example.linkOf('Linus').split('#');
    await page.addInitScript(`{
      const add = window.addEventListener;
      window.addEventListener = (type, ...rest) => {
        if (type === 'hashchange') history.replaceState(null, '', '#${hash}');
        add(type, ...rest);
      };
    }`);
    await page.goto(url);
    await page.getByText('Signed in as').waitFor();
    expect(page.url()).toBe(example.pageUrl);
  });

  test('asks people to sign in again when their token expires', async () => {
    const page = await openFor('张三');
    const token = example.expiredLink('张三').split('#token=')[1] ?? '';
    await page.route('**/graphql', (route) =>
      route.continue({ headers: { ...route.request().headers(), authorization: `Bearer ${token}` } }),
    );
    await disconnect(page, '微信');
    await result(page).filter({ hasText: 'Please sign in again' }).waitFor();
    await expectPlain(page);
    await saveScreenshot(page, 'sign-in');
    await page.unroute('**/graphql');
    await page.goto(example.linkOf('张三'));
    await account(page, '微信').waitFor();
  });

  test('breaks long names', async () => {
    const page = await open(example.pageUrl, { viewport: { width: 360, height: 640 } });
    const [name, label] = ['Ø'.repeat(100), 'x'.repeat(200)];
    await rewriteResponses(page, { 'Partner SAML': name, 'linus@partner.example': label });
    await page.goto(example.linkOf('Linus'));
    await account(page, name).filter({ hasText: label }).waitFor();
    await expectAccessible(page);
  });

  test.each<[string, BrowserContextOptions, string | null]>([
    ['in light colours', { colorScheme: 'light' }, null],
    ['in dark colours', { colorScheme: 'dark' }, 'dark'],
    ['on a screen of 360 px', { colorScheme: 'light', viewport: { width: 360, height: 640 } }, 'narrow'],
    ['at a zoom of 200 %', { colorScheme: 'dark', viewport: { width: 640, height: 360 }, deviceScaleFactor: 2 }, null],
  ])('has no violation of axe-core %s', async (_name, options, picture) => {
    await example.setFaults({ 'unlink-identity': 'envelope-403' });
    // One of the accounts can be disconnected, and the other one is the last way to sign in.
    const page = await openFor('Olga', options);
    await expectAccessible(page);
    await disconnectButton(page, 'saml').click();
    await expectAccessible(page);
    await dialog(page).getByRole('button', { name: 'Disconnect' }).click();
    await expectResult(page, 'saml', /refused/);
    await expectAccessible(page);
    if (picture !== null) await saveScreenshot(page, picture);
  });
});
