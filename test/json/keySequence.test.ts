import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { END_OF_OBJECT, JsonReader, KeySequence, OTHER_KEY } from '../../src/json';
import { runs } from './runs';

/** Keys with meanings. The first three differ in one byte in the middle. */
const MEANINGS: ReadonlyMap<string, number> = new Map(
  ['nick1name', 'nick2name', 'nick3name', 'name', 'id', 'n', '', '城市', 'x'.repeat(62)].map((name, meaning) => [
    name,
    meaning,
  ]),
);
const OTHERS = ['sub', 'sub1', 'x'.repeat(63), 'x'.repeat(200), '__proto__', 'a"b'];

/** Returns names that differ in all of their characters. */
function nameOf(number: number): string {
  return (Math.imul(number, 0x9e3779b1) >>> 0).toString(36);
}

/** Returns the bytes in use after a garbage collection. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

describe('the keys of objects that are read one after the other', () => {
  test('have the same meanings, whatever the keys of the objects before were', () => {
    let compared = 0;
    const keys = new KeySequence((json) => {
      compared++;
      return MEANINGS.get(json.text()) ?? OTHER_KEY;
    });
    let read = 0;
    const name = fc.constantFrom(...MEANINGS.keys(), ...OTHERS);
    const spelling = fc.constantFrom('', '', '', '', ' ', '\n');
    const object = fc.array(fc.tuple(name, fc.boolean(), spelling, spelling), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(object, { maxLength: 6 }), (objects) => {
        const spelled = (text: string, isEscaped: boolean): string =>
          isEscaped ? JSON.stringify(text).replace('n', String.raw`\u006e`) : JSON.stringify(text);
        const texts = objects.map(
          (members) =>
            `{${members.map(([key, isEscaped, before, after]) => `${before}${spelled(key, isEscaped)}${after}:${after}[1]`).join()}}`,
        );
        const meanings = JsonReader.read(Buffer.from(`[${texts.join()}]`), (json) => {
          const all: number[][] = [];
          json.enter();
          while (json.nextItem()) {
            const meaningsOfOne: number[] = [];
            json.enter();
            for (let meaning = keys.next(json, 0); meaning !== END_OF_OBJECT;) {
              meaningsOfOne.push(meaning);
              json.skip();
              meaning = keys.next(json, meaningsOfOne.length);
            }
            all.push(meaningsOfOne);
          }
          return all;
        });
        expect(meanings).toEqual(objects.map((members) => members.map(([key]) => MEANINGS.get(key) ?? OTHER_KEY)));
        read += meanings.flat().length;
      }),
      runs(700),
    );
    // Known keys are not looked at again.
    expect(compared).toBeLessThan(read * 0.8);
  });

  test('are forgotten before there are too many of them', () => {
    const keys = new KeySequence(() => OTHER_KEY);
    const before = heapUsed();
    // Objects with new keys, and one object with many.
    const many = Array.from({ length: 300_000 }, (_, at) => `"${nameOf(at)}":1`);
    const bodies = Array.from({ length: 50_000 }, (_, at) => `{"${nameOf(at)}":1,"x${nameOf(at)}":1}`);
    for (const body of [...bodies, `{${many.join()}}`]) {
      JsonReader.read(Buffer.from(body), (json) => {
        json.enter();
        for (let index = 0; keys.next(json, index) !== END_OF_OBJECT; index++) json.skip();
      });
    }
    expect(heapUsed() - before).toBeLessThan(5 * 1024 * 1024);
  });
});
