// One process, one browser, one test after the other: two cores are soon busy.
import './raw.test.mjs';
import './gstwebrtc_api.test.mjs';
import './dashboard.test.mjs';
