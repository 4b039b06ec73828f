// Where the state is kept, by user and environment.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labFolder, labName, routerFolder, stateFolder } from './state-folder.ts';

const user = { root: false, home: '/home/u' };

test('the state folder: named, then $POSTERN_STATE, then by user', () => {
  assert.equal(stateFolder({ env: { POSTERN_STATE: '/a' }, override: '/b' }), '/b');
  assert.equal(stateFolder({ env: { POSTERN_STATE: '/a' }, root: true }), '/a');
  assert.equal(stateFolder({ env: {}, root: true }), '/var/lib/postern');
  assert.equal(stateFolder({ env: {}, ...user }), '/home/u/.local/state/postern');
  assert.equal(stateFolder({ env: { XDG_STATE_HOME: '/x' }, ...user }), '/x/postern');
  assert.equal(
    stateFolder({ env: { POSTERN_STATE: '', XDG_STATE_HOME: '' }, ...user }),
    '/home/u/.local/state/postern',
  );
});

test('the folders of a lab and of the router', () => {
  assert.equal(labFolder('two', { env: {}, ...user }), '/home/u/.local/state/postern/labs/two');
  assert.equal(routerFolder({ env: {}, ...user }), '/home/u/.local/state/postern/router');
  assert.equal(labName({}), 'postern');
  assert.equal(labName({ POSTERN_LAB: 'two' }), 'two');
});
