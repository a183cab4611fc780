import { describe, expect, test } from 'vitest';
import { detectLanguage } from '../../../src/filters/language/detect.js';

describe('article 1 of the Universal Declaration of Human Rights', () => {
  test.each([
    ['en', 'All human beings are born free and equal in dignity and rights.'],
    ['de', 'Alle Menschen sind frei und gleich an Würde und Rechten geboren.'],
    ['fr', 'Tous les êtres humains naissent libres et égaux en dignité et en droits.'],
    ['es', 'Todos los seres humanos nacen libres e iguales en dignidad y derechos.'],
    ['it', 'Tutti gli esseri umani nascono liberi ed eguali in dignità e diritti.'],
    ['pt', 'Todos os seres humanos nascem livres e iguais em dignidade e em direitos.'],
    ['nl', 'Alle mensen worden vrij en gelijk in waardigheid en rechten geboren.'],
    ['pl', 'Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.'],
    ['tr', 'Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.'],
    ['ru', 'Все люди рождаются свободными и равными в своем достоинстве и правах.'],
    ['el', 'Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα.'],
    ['ar', 'يولد جميع الناس أحرارا متساوين في الكرامة والحقوق.'],
    ['he', 'כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.'],
    ['hi', 'सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है।'],
    ['th', 'มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ'],
    ['ja', 'すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。'],
    ['zh', '人人生而自由，在尊严和权利上一律平等。'],
    ['ko', '모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.'],
  ])('%s', (code, sentence) => {
    const { language, score } = detectLanguage(sentence);
    expect(language).toBe(code);
    expect(score).toBeGreaterThan(0.5);
    expect(score).toBeLessThanOrEqual(1);
  });
});

test.each([[''], ['12345 67890 !!! ###'], ['\n\n\n']])('%j has no language', (text) => {
  expect(detectLanguage(text)).toEqual({ language: 'und', score: 0, second: '', secondScore: 0 });
});

test('a menu in another language at the beginning does not decide', () => {
  const menu = 'Home About us Contact Log in Sign up Newsletter Search. '.repeat(8).slice(0, 400);
  const body = 'Alle Menschen sind frei und gleich an Würde und Rechten geboren. '.repeat(40);
  expect(detectLanguage(menu).language).toBe('en');
  expect(detectLanguage(menu + body).language).toBe('de');
});

test('megabytes of one language', () => {
  const { language, score } = detectLanguage('All human beings are born free and equal. '.repeat(100_000));
  expect(language).toBe('en');
  expect(score).toBeGreaterThan(0.5);
});
