# For those who type make: each target is an npm command, which README.md describes.
.PHONY: install build start up run stop test test-coverage test-report test-html migrations migrate-up superuser clean

install build: ; npm ci
start up run:  ; npm start
stop:          ; npm stop
test:          ; npm test
test-coverage: ; npm run test:coverage
test-report:   ; npm run test:report
test-html:     ; npm run test:html
migrations migrate-up: ; npm run migrate
# make superuser args="--username ann --email ann@example.com"
superuser:     ; npm run superuser -- $(args)
clean:         ; npm run clean
