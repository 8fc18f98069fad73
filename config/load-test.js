// For k6, with config/load-test.toml: most requests are for what is stored, some for what goes to the origin each time.
// k6 run config/load-test.js; another place than the default: k6 run -e TARGET=http://127.0.0.1:3000 config/load-test.js

import http from "k6/http";
import { check } from "k6";

const target = __ENV.TARGET || "http://127.0.0.1:8080";

export const options = {
    // At a fixed rate, not as fast as there are answers: what is measured then are the answers, not k6's own waiting for the
    // processor.
    scenarios: {
        stored: {
            executor: "constant-arrival-rate", rate: 2000, duration: "10s", preAllocatedVUs: 64, exec: "stored",
        },
        passed: {
            executor: "constant-arrival-rate", rate: 100, duration: "10s", preAllocatedVUs: 16, exec: "passed",
        },
    },
    thresholds: {
        checks: ["rate==1"],
        "http_req_duration{scenario:stored}": ["p(99)<50"],
    },
};

const answered = { "status is 200": (answer) => answer.status === 200 };

// Level 2: a hit, but for the first and for one a minute.
export function stored() {
    check(http.get(`${target}/load/1024`), answered);
}

// Level 5: never stored.
export function passed() {
    check(http.get(`${target}/random`), answered);
}
